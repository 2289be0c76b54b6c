import { describe, expect, it } from 'vitest'
import { createDeadlines } from '../../src/zookeeper/deadlines.ts'
import { isZookeeperError, ZookeeperError } from '../../src/zookeeper/errors.ts'
import { createFeatures } from '../../src/zookeeper/features.ts'
import { createAddresses, createRing } from '../../src/zookeeper/hosts.ts'
import { JuteReader } from '../../src/zookeeper/jute.ts'
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

  it('are looked up every time unless they are addresses', async () => {
    const asked: string[] = []
    const { pick } = createAddresses(
      async (host) => {
        asked.push(host)
        return host === 'nobody' ? [] : ['10.0.0.1']
      },
      () => 0,
    )

    expect([await pick('zk'), await pick('zk'), await pick('::1'), await pick('127.0.0.1')]).toEqual([
      '10.0.0.1',
      '10.0.0.1',
      '::1',
      '127.0.0.1',
    ])
    expect(await pick('nobody')).toBe('nobody')
    expect(asked).toEqual(['zk', 'zk', 'nobody'])
  })

  it('have their addresses taken in random order, each once before one comes again, and follow the name', async () => {
    const now = { addresses: ['a', 'b', 'c', 'c'] }
    const numbers = [0.9, 0.1, 0.5, 0.3, 0.7]
    let draws = 0
    const random = (): number => numbers[draws++ % numbers.length] ?? 0
    const { pick, count } = createAddresses(async () => now.addresses, random)
    const countBefore = count(['zk', 'other'])

    const rounds: string[][] = []
    for (let round = 0; round < 20; round++) rounds.push([await pick('zk'), await pick('zk'), await pick('zk')])
    const last = rounds.at(-1)?.at(-1)
    now.addresses = ['d', 'e']
    const moved = [await pick('zk'), await pick('zk')]

    for (const round of rounds) expect(round.toSorted()).toEqual(['a', 'b', 'c'])
    expect(new Set(rounds.map((round) => round.join(''))).size).toBeGreaterThan(2)
    for (const [index, round] of rounds.entries()) expect(round[0]).not.toBe(rounds[index - 1]?.[2])
    expect(last).toMatch(/[abc]/)
    expect(moved.toSorted()).toEqual(['d', 'e'])
    expect([countBefore, count(['zk', 'other'])]).toEqual([2, 3])
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

    const packets = [...watches.replay(9n)]
    const read = packets.map(({ packet }) => setWatches.read(new JuteReader(packet)))

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
