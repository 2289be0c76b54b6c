import { describe, expect, it } from 'vitest'
import { INTERVAL, remembered, type Seen, watch } from './watched.ts'

const START = 1_000_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
type World = ReturnType<typeof watch>

/** One partition of each of the topics t, u and v with so many records, all of them read. */
const ends: Seen['ends'] = { t: [100], u: [100], v: [100] }
const read = { t: { 0: 100 }, u: { 0: 100 } }
const idle: Seen = { ends, positions: { a: read, b: read, c: read }, members: { a: 1, b: 1, c: 1 } }

/** Cycle after cycle from one moment until just before another. */
function see(worlds: readonly World[], from: number, to: number, seen: (cycle: number) => Seen): void {
  for (let at = from; at < to; at += INTERVAL)
    for (const world of worlds) world.see(START + at, seen((at - from) / INTERVAL))
}

/** Enough for everything to rest; what c reads of t has not been looked at for some cycles then. */
const QUIET = 30 * MINUTE + 7 * INTERVAL
/** One of a floor, and the cycle in which it is closed: they do not begin at the same cycles in one that rests. */
const STRETCH = 200_000 + INTERVAL

describe('what is remembered of consumers that rested', () => {
  const reads = { ...read, t: { 0: 150 } }
  const arrived = { ...ends, t: [150] }
  it.each<[string, Seen]>([
    ['another consumer comes first', { ...idle, positions: { '0': read, a: read, b: read, c: reads }, ends: arrived }],
    ['the first consumer goes', { ...idle, positions: { b: read, c: reads }, ends: arrived }],
    ['the first consumer goes, and one stands', { ...idle, positions: { b: read, c: read }, ends: arrived }],
    [
      'another topic is read',
      { ...idle, positions: { a: { ...read, v: { 0: 5 } }, b: read, c: reads }, ends: arrived },
    ],
    [
      'a topic is not read any more',
      { ...idle, positions: { a: { t: { 0: 100 } }, b: read, c: reads }, ends: arrived },
    ],
    [
      'a partition is added',
      {
        ...idle,
        positions: { a: { ...read, t: { 0: 100, 1: 7 } }, b: read, c: reads },
        ends: { ...ends, t: [150, 7] },
      },
    ],
    ['its group comes to another broker', { ...idle, positions: [{ a: read, b: read }, { c: reads }], ends: arrived }],
    [
      'its group comes to a broker that answers first',
      { ...idle, positions: [{ c: reads }, { a: read, b: read }], ends: arrived },
    ],
    [
      'a topic of the first consumer comes apart',
      { ...idle, positions: [{ a: { t: read.t } }, { a: { u: read.u }, b: read, c: reads }], ends: arrived },
    ],
    ['no log end can be read', { ...idle, ends: { t: ['timeout'], u: ['timeout'], v: ['timeout'] } }],
    ['all positions are lost', { ...idle, positions: { a: { t: { 0: 'no_position' } }, b: read, c: reads } }],
    ['the topic is gone', { ...idle, ends: { u: [100], v: [100] } }],
    ['the topic is another one', { ...idle, ids: { t: 'another' } }],
    ['the log was cut', { ...idle, ends: { ...ends, t: [50] }, positions: { a: read, b: read, c: { t: { 0: 50 } } } }],
  ])('is what it would be if they had been looked at in every cycle, when %s', (_, seen) => {
    const worlds = [watch(), watch({ isRestless: true })] as const
    see(worlds, 0, QUIET, () => ({ ...idle, ids: { t: 'one' } }))
    const [before] = worlds.map((world) => remembered(world.judge, 'c', 't')?.lastAt)
    for (const world of worlds) world.see(START + QUIET, { ids: { t: 'one' }, ...seen })

    expect(before).toBeLessThan(START + QUIET - INTERVAL)
    const [one, other] = worlds.map((world) => remembered(world.judge, 'c', 't'))
    expect(one).toEqual(other)
    if (seen.ends['t'] !== undefined) expect(one?.lastAt).toBe(START + QUIET)
    expect(worlds[0].of('b', 't').timeLag).toEqual(worlds[1].of('b', 't').timeLag)
  })

  it('is there after days, however long a cycle is', () => {
    const options = { intervalMs: HOUR }
    const world = watch(options)
    for (let cycle = 0; cycle < 210; cycle++) world.see(START + cycle * HOUR, idle)

    expect([...world.judge.consumers().keys()]).toEqual(['a', 'b', 'c'])
    expect([...world.judge.consumers().get('a')!.topics.keys()]).toEqual(['t', 'u'])
  })

  it('is there after days in which nothing could be seen of the topic', () => {
    const world = watch({ intervalMs: HOUR })
    for (let cycle = 0; cycle < 5; cycle++) world.see(START + cycle * HOUR, idle)
    for (let cycle = 5; cycle < 210; cycle++)
      world.see(START + cycle * HOUR, { ...idle, ends: {}, positions: { c: { t: { 0: 100 } } } })

    expect([...world.judge.consumers().get('c')!.topics.keys()]).toContain('t')
    expect([...world.judge.consumers().keys()]).not.toContain('a')
  })
})

describe('what wakes a consumer that rests', () => {
  const big = 2 ** 33 + 5
  const one: Seen = {
    ends: { t: [100, 0], big: [big] },
    positions: { a: { t: { 0: 100, 1: 'no_position' } }, c: { t: { 0: 100 } } },
  }
  const more = { ...one, positions: { a: { t: { 0: 100, 1: 'no_position' } }, c: { big: { 0: big } } } } satisfies Seen
  it.each<[string, Seen, Seen, string, string]>([
    [
      'a position in an empty partition',
      one,
      { ...one, positions: { ...one.positions, a: { t: { 0: 100, 1: 0 } } } },
      'a',
      't',
    ],
    [
      'a position that is 4,294,967,296 records further',
      more,
      {
        ...more,
        ends: { ...more.ends, big: [big + 2 ** 32] },
        positions: { ...more.positions, c: { big: { 0: big + 2 ** 32 } } },
      },
      'c',
      'big',
    ],
    [
      'another topic in its place',
      more,
      { ...more, ends: { ...more.ends, other: [big] }, positions: { ...more.positions, c: { other: { 0: big } } } },
      'c',
      'other',
    ],
    [
      'another consumer in its place',
      more,
      { ...more, positions: { a: more.positions.a, d: { big: { 0: big } } } },
      'd',
      'big',
    ],
    [
      'another partition in its place',
      { ...more, ends: { ...more.ends, big: [big, big] } },
      { ...more, ends: { ...more.ends, big: [big, big] }, positions: { ...more.positions, c: { big: { 1: big } } } },
      'c',
      'big',
    ],
    ['an id of its topic', one, { ...one, ids: { t: 'id' } }, 'c', 't'],
    ['another id of its topic', { ...one, ids: { t: 'id' } }, { ...one, ids: { t: 'di' } }, 'c', 't'],
    ['partitions that are added', one, { ...one, ends: { t: [100, 0, 9], big: [big] } }, 'c', 't'],
  ])('is %s', (_, before, after, consumer, topic) => {
    const worlds = [watch(), watch({ isRestless: true })] as const
    see(worlds, 0, QUIET, () => before)
    for (const world of worlds) world.see(START + QUIET, after)

    const [its, others] = worlds.map((world) => remembered(world.judge, consumer, topic))
    expect(its).toEqual(others)
    expect(its?.lastAt).toBe(START + QUIET)
  })

  it('does not have to be what becomes of its members', () => {
    const worlds = [watch(), watch({ isRestless: true })]
    see(worlds, 0, QUIET, () => idle)
    // Not looked at in this one cycle, the last in which anybody knows of members.
    see(worlds, QUIET, QUIET + INTERVAL, () => ({ ...idle, members: { c: 0 } }))
    see(worlds, QUIET + INTERVAL, QUIET + 20 * MINUTE, (cycle) => ({
      ...idle,
      ends: { ...ends, t: [200 + cycle] },
      members: {},
    }))

    for (const world of worlds) expect(world.of('c', 't').status).toBe('stopped')
  })
})

describe('a consumer that falls behind after hours of rest', () => {
  it('is told to do so as soon as one that was looked at in every cycle', () => {
    const worlds = [watch(), watch({ isRestless: true })]
    const at = (cycle: number): Seen => ({
      ends: { t: [100 + 1_500 * cycle] },
      positions: { c: { t: { 0: 100 + 1_470 * cycle } } },
      members: { c: 1 },
    })
    const hours = 2 * HOUR
    see(worlds, 0, hours, () => at(0))
    const since = worlds.map((world, index) => {
      for (let cycle = 1; cycle < 120; cycle++) {
        world.see(START + hours + cycle * INTERVAL, at(cycle))
        if (world.of('c', 't').status === 'lagging') return cycle * INTERVAL
      }
      return expect.fail(`${index}: ${world.of('c', 't').status}`)
    })

    expect(Math.abs(since[0]! - since[1]!)).toBeLessThanOrEqual(STRETCH)
    expect(worlds[0]!.of('c', 't').why).toMatch(/in [345]\d\d s$/)
  })
})

describe('consumers of several answers', () => {
  it('rest although two answers begin with the same one', () => {
    const world = watch()
    const seen: Seen = {
      ends: { ...ends, hidden: ['unauthorized'] },
      positions: [{ a: read, b: read }, { a: { hidden: { 0: 'unauthorized' } } }, {}],
    }
    const moments = new Set<number>()
    see([world], 0, 60 * MINUTE, () => seen)
    for (let cycle = 0; cycle < 64; cycle++) {
      world.see(START + 60 * MINUTE + cycle * INTERVAL, seen)
      moments.add(world.judge.consumers().get('b')!.topics.get('t')!.lastAt)
    }

    expect(moments.size).toBeLessThanOrEqual(5)
  })

  it('rest on while others come and go, and come from broker to broker', () => {
    const worlds = [watch(), watch({ isRestless: true })] as const
    const others = (cycle: number): Seen['positions'] => {
      const guest = { [`${cycle % 2 === 0 ? '0' : 'z'}${cycle}`]: { v: { 0: 100 } } }
      const [one, other] = [{ a: read, b: read, ...guest }, { c: read }]
      return [cycle % 3 === 0 ? { ...one, ...other } : one, cycle % 3 === 0 ? {} : other]
    }
    const seen = (cycle: number): Seen => ({ ...idle, positions: others(cycle) })
    see(worlds, 0, QUIET, seen)
    const moments = new Set<number>()
    for (let cycle = 0; cycle < 64; cycle++) {
      for (const world of worlds) world.see(START + QUIET + cycle * INTERVAL, seen(cycle))
      moments.add(remembered(worlds[0].judge, 'c', 't')!.lastAt)
      expect(worlds[0].of('c', 't')).toEqual(worlds[1].of('c', 't'))
      expect(worlds[0].of('b', 'u')).toEqual(worlds[1].of('b', 'u'))
    }

    // Every sixteenth cycle, wherever it comes to lie.
    expect(moments.size).toBeGreaterThanOrEqual(4)
    expect(moments.size).toBeLessThanOrEqual(5)
  })

  it('are known by what they are, in whatever order the answers come', () => {
    const worlds = [watch(), watch({ isRestless: true })]
    see(worlds, 0, QUIET, (cycle) => {
      const answers = [{ a: read }, { b: read }, {}, { c: read }]
      return { ...idle, positions: cycle % 3 === 0 ? answers : answers.toReversed() }
    })

    for (const consumer of ['a', 'b', 'c']) expect(worlds[0]!.of(consumer, 't')).toEqual(worlds[1]!.of(consumer, 't'))
  })
})
