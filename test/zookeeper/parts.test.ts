import { describe, expect, it } from 'vitest'
import { createDeadlines } from '../../src/zookeeper/deadlines.ts'
import { isZookeeperError, ZookeeperError } from '../../src/zookeeper/errors.ts'
import { createFeatures } from '../../src/zookeeper/features.ts'
import { createRing, resolveOne } from '../../src/zookeeper/hosts.ts'
import { createJuteReader } from '../../src/zookeeper/jute.ts'
import { eventTypes, opcodes } from '../../src/zookeeper/opcodes.ts'
import { setWatches } from '../../src/zookeeper/records.ts'
import { createWatches, type WatchEvent } from '../../src/zookeeper/watches.ts'
import { fakeClock } from '../fakes/clock.ts'

describe('deadlines', () => {
  it('expire each at its moment, whatever the order they came in', async () => {
    const clock = fakeClock()
    const deadlines = createDeadlines(clock)
    const expired: string[] = []
    const removed = { at: 150, expire: () => expired.push('removed') }
    deadlines.add({ at: 300, expire: () => expired.push('late') })
    deadlines.add({ at: 100, expire: () => expired.push('early') })
    deadlines.add(removed)
    deadlines.remove(removed)

    await clock.advance(99)
    expect(expired).toEqual([])
    await clock.advance(1)
    expect(expired).toEqual(['early'])
    await clock.advance(500)
    expect(expired).toEqual(['early', 'late'])
    deadlines.add({ at: clock.monotonic() + 10, expire: () => expired.push('again') })
    await clock.advance(10)
    expect(expired).toEqual(['early', 'late', 'again'])
  })
})

describe('features', () => {
  it('guesses a feature from one of the same release, until shown otherwise', () => {
    const features = createFeatures()
    features.learnFromReply('a', opcodes.multiRead, false)
    features.learnFromReply('b', opcodes.create2, true)
    features.learnFromReply('a', opcodes.getData, false)

    expect([features.known('a', 'multiRead'), features.known('a', 'addWatch')]).toEqual([true, true])
    expect(features.known('b', 'createContainer')).toBe(false)
    expect(features.known('b', 'multiRead')).toBeUndefined()
    features.learnFromReply('a', opcodes.setWatches2, true)
    expect([features.known('a', 'multiRead'), features.known('a', 'addWatch')]).toEqual([true, false])
    features.forget('a')
    expect([features.known('a', 'multiRead'), features.known('b', 'create2')]).toEqual([undefined, false])
  })
})

describe('hosts', () => {
  it('are tried in a shuffled order, again and again', () => {
    const servers = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }))
    const next = createRing(servers, () => 0)

    const order = Array.from({ length: 6 }, () => next().host)

    expect(order).toEqual(['b', 'c', 'a', 'b', 'c', 'a'])
    expect(servers.map(({ host }) => host)).toEqual(['a', 'b', 'c'])
  })

  it('are looked up unless they are addresses', async () => {
    const resolve = async (host: string): Promise<readonly string[]> => [`${host}-1`, `${host}-2`]

    expect(await resolveOne('zk', resolve, () => 0.6)).toBe('zk-2')
    expect(await resolveOne('::1', resolve, () => 0.6)).toBe('::1')
    expect(
      await resolveOne(
        'zk',
        async () => [],
        () => 0,
      ),
    ).toBe('zk')
  })
})

describe('watches', () => {
  it('call each watcher once for an event, and recursive ones for everything below but lists of children', () => {
    const watches = createWatches(() => undefined)
    const seen: string[] = []
    const watcher = ({ type, path }: WatchEvent): number => seen.push(`${type} ${path}`)
    watches.add('data', '/a', watcher)
    watches.add('children', '/a', watcher)
    watches.add('recursive', '/', watcher)

    watches.dispatch({ type: eventTypes.deleted, state: 3, path: '/a' })
    watches.dispatch({ type: eventTypes.childrenChanged, state: 3, path: '/a' })
    watches.dispatch({ type: eventTypes.created, state: 3, path: '/a/b/c' })

    expect(seen).toEqual(['deleted /a', 'created /a/b/c'])
    expect(watches.size()).toBe(1)
  })

  it('go on when one throws', () => {
    const thrown: unknown[] = []
    const watches = createWatches((error) => thrown.push(error))
    const seen: string[] = []
    watches.add('data', '/a', () => {
      throw new Error('broken')
    })
    watches.add('data', '/a', ({ type }) => seen.push(type))

    watches.lose(['data'])

    expect([seen, thrown.length]).toEqual([['lost'], 1])
  })

  it('are replayed in packets below 128 kB that hold each path once', () => {
    const watches = createWatches(() => undefined)
    const paths = Array.from({ length: 5_000 }, (_, index) => `/${'x'.repeat(60)}/${index}`)
    for (const path of paths) watches.add('exists', path, () => undefined)
    watches.add('recursive', '/r', () => undefined)

    const packets = watches.replay(9n)
    const read = packets.map(({ packet }) => setWatches.read(createJuteReader(packet)))

    expect(packets.length).toBeGreaterThan(2)
    expect(Math.max(...packets.map(({ packet }) => packet.length))).toBeLessThanOrEqual(128 * 1024)
    expect(packets.map(({ opcode }) => opcode).toSorted()).toEqual([
      ...packets.slice(1).map(() => opcodes.setWatches),
      opcodes.setWatches2,
    ])
    expect(read.flatMap(({ exists }) => exists)).toEqual(paths)
    expect(read.flatMap(({ recursive = [] }) => recursive)).toEqual(['/r'])
    expect(read.every(({ relativeZxid }) => relativeZxid === 9n)).toBe(true)
  })
})

describe('a ZookeeperError', () => {
  it('says what was done and what the server answered', () => {
    const known = new ZookeeperError('Read "/a"', -101)
    const unknown = new ZookeeperError('Read "/a"', -4242)

    expect([known.message, known.code]).toEqual(['Read "/a": server answered NO_NODE', 'NO_NODE'])
    expect([unknown.message, unknown.code]).toEqual(['Read "/a": server answered unknown error -4242', 'UNKNOWN'])
    expect([isZookeeperError(known, 'NO_NODE'), isZookeeperError(known, 'NO_AUTH')]).toEqual([true, false])
  })
})
