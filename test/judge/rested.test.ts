import { describe, expect, it } from 'vitest'
import { judgeLines } from '../../src/judge/judge-lines.ts'
import { createJudgeReader } from '../../src/judge/judge-reader.ts'
import { INTERVAL, type Seen, watch } from './watched.ts'

const START = 1_000_000
const WALL = 1_700_000_000_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
type World = ReturnType<typeof watch>

/** One partition of each of two topics with so many records, all of them read. */
const ends: Seen['ends'] = { t: [100], u: [100] }
const read = { t: { 0: 100 }, u: { 0: 100 } }
const idle: Seen = { ends, positions: { a: read, b: read, c: read }, members: { a: 1, b: 1, c: 1 } }

/** Cycle after cycle from one moment until just before another. */
function see(worlds: readonly World[], from: number, to: number, seen: (cycle: number) => Seen): void {
  for (let at = from; at < to; at += INTERVAL)
    for (const world of worlds) world.see(START + at, seen((at - from) / INTERVAL))
}

/** The lines that a judge leaves, read at the same moment by another process. */
function handedOn({ judge }: World, now: number): World {
  const reader = createJudgeReader('main', { now, wall: WALL + now })
  const head = { kafkaCluster: 'main', clusterId: 'abc' }
  for (const text of judgeLines(judge, head, { now, wall: WALL + now })) reader.take(text)
  return watch({ saved: reader.done()!.saved })
}

/** Enough for everything to rest; what c reads of t has not been looked at for some cycles then. */
const QUIET = 30 * MINUTE + 7 * INTERVAL

describe('a topic of which nothing is seen for a while', () => {
  it('does not hide for longer that nobody reads it', () => {
    const world = watch()
    const at = (minute: number, isHidden = false): Seen => ({
      ends: isHidden ? { u: [5] } : { t: [minute * 100], u: [5] },
      positions: { c: { t: { 0: Math.min(minute, 20) * 100 }, u: { 0: 5 } } },
      members: { c: 1 },
    })
    for (let at4 = 0; at4 < 4 * 180; at4++) {
      const minute = at4 / 4
      world.see(START + minute * MINUTE, at(minute, minute >= 30 && minute < 150))
      if (minute === 29) expect(world.of('c', 't').status).not.toBe('stalled')
    }

    // It stood for ten minutes before, and for thirty since.
    expect(world.of('c', 't').status).toBe('stalled')
    expect(world.of('c', 't').why).toContain('unmoved for 24')
  })
})

describe('a consumer that rests below the log start', () => {
  it('is told at once that records come and are deleted', () => {
    const world = watch()
    const at = (end: number): Seen => ({ ends: { t: [end] }, starts: { t: [end] }, positions: { c: { t: { 0: 40 } } } })
    see([world], 0, QUIET, () => at(100))
    expect(world.of('c', 't').produceRate).toBe(0)
    world.see(START + QUIET, at(700))

    expect(world.of('c', 't').produceRate).toBeGreaterThan(1)
  })
})

describe('a judge that is followed by another while consumers rest', () => {
  const stands = (cycle: number): Seen => ({ ...idle, ends: { ...ends, t: [100 + 50 * cycle] } })
  it.each([0, 1, 3, 7, 11, 15])('hands on what it takes to tell a stall in time, %i cycles after a look', (cycles) => {
    const worlds = [watch(), watch({ isRestless: true })] as const
    const until = QUIET + cycles * INTERVAL
    see(worlds, 0, until, () => idle)
    const next = worlds.map((world) => handedOn(world, START + until))
    const changes = [new Set<string>(), new Set<string>()]
    for (let cycle = 0; cycle < 100; cycle++)
      for (const [index, world] of next.entries()) {
        world.see(START + until + cycle * INTERVAL, stands(cycle))
        const { status } = world.of('c', 't')
        if (status === 'stalled') changes[index]!.add(`${status} ${world.of('c', 't').since}`)
      }

    expect(changes[0]).toEqual(changes[1])
    expect(changes[0]!.size).toBe(1)
    expect(next[0]!.of('c', 't')).toEqual(next[1]!.of('c', 't'))
  })

  it('hands on how often it commits', () => {
    const worlds = [watch(), watch({ isRestless: true })] as const
    const commits = (cycle: number): Seen => {
      const done = 100 + Math.floor(cycle / 4) * 400
      const to = { ...read, t: { 0: done } }
      return { ...idle, ends: { ...ends, t: [100 + cycle * 100] }, positions: { a: read, b: read, c: to } }
    }
    see(worlds, 0, 10 * MINUTE, commits)
    const last = 100 + 39 * 100
    const caughtUp = { ...read, t: { 0: last } }
    const quiet: Seen = { ...idle, ends: { ...ends, t: [last] }, positions: { a: read, b: read, c: caughtUp } }
    see(worlds, 10 * MINUTE, 60 * MINUTE, () => quiet)
    const next = worlds.map((world) => handedOn(world, START + 60 * MINUTE))
    for (const world of next) world.see(START + 60 * MINUTE, quiet)

    expect(next[0]!.of('c', 't').commitInterval).toBe(60_000)
    expect(next[0]!.of('c', 't')).toEqual(next[1]!.of('c', 't'))
  })
})

describe('consumers that rest while the wall clock is set', () => {
  it.each([HOUR, -HOUR])('have the new moments after a few minutes, by %i', (by) => {
    let offset = WALL
    const world = watch({ wallOffset: () => offset })
    see([world], 0, QUIET, () => idle)
    const before = world.of('c', 't')
    offset += by
    see([world], QUIET, QUIET + 4 * MINUTE, () => idle)

    expect(world.of('c', 't')).toEqual({ ...before, since: before.since + by })
  })
})

describe('a consumer that reads after hours of nothing to read', () => {
  it.each([false, true])('is not told to read slower than it does, looked at in every cycle: %s', (isRestless) => {
    const world = watch({ isRestless })
    const at = (cycle: number, left = 40): Seen => ({
      ends: { t: [150 * cycle + left] },
      positions: { c: { t: { 0: 150 * cycle } } },
      members: { c: 1 },
    })
    see([world], 0, 10 * MINUTE, (cycle) => at(cycle))
    see([world], 10 * MINUTE, 130 * MINUTE, () => at(40, 0))
    const outlooks = new Set<string>()
    for (let cycle = 0; cycle < 60; cycle++) {
      world.see(START + 130 * MINUTE + cycle * INTERVAL, at(40 + cycle))
      const { outlook, produceRate = 0, consumeRate = 0 } = world.of('c', 't')
      // What came last has not been read yet: as long as nothing else has come, that is much.
      if (cycle < 6) continue
      outlooks.add(outlook)
      expect(consumeRate / produceRate, `${cycle}`).toBeCloseTo(1, 1)
    }

    expect([...outlooks]).toEqual(['keeps_pace'])
  })
})
