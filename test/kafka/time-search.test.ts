import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextTime, type TimeQuestion } from '../../src/kafka/next-time.ts'
import { bracketFrom, narrowed, toldBy } from '../../src/kafka/time-search.ts'
import type { SeenRecord, TimeBracket, TimeLookUp, TimestampType } from '../../src/model/time-look-up.ts'

const NOW = 1_700_000_000_000

/** A log as a list: the timestamp at each offset, undefined where compaction took the record. */
type Log = readonly (number | undefined)[]

/** What a broker answers: the first record of this time or later. */
function firstSince(log: Log, time: number): SeenRecord | undefined {
  const offset = log.findIndex((at) => at !== undefined && at >= time)
  return offset < 0 ? undefined : { offset: BigInt(offset), at: log[offset]! }
}

function search(
  log: Log,
  position: number,
  guess: number,
  options: { rounds?: number; bracket?: TimeBracket; type?: TimestampType; hasEnd?: boolean; start?: bigint } = {},
): TimeLookUp {
  const { rounds = 3, type, hasEnd = true, start = 0n } = options
  const question: TimeQuestion = {
    ...{ topic: 't', partition: 0, position: BigInt(position), start, guess },
    ...(hasEnd ? { end: { offset: BigInt(log.length), at: NOW } } : {}),
  }
  let bracket = options.bracket ?? {}
  let asked = 0
  for (; asked < rounds; asked++) {
    const time = nextTime(question, bracket, NOW, { index: asked, isLast: asked === rounds - 1, mayAskStart: true })
    if (time === undefined) break
    bracket = narrowed(bracket, BigInt(position), time, firstSince(log, time), NOW)
  }
  return toldBy(BigInt(position), bracket, NOW, type, asked)
}

/** So many records, one every `everyMs`, the next one at NOW. */
const even = (records: number, everyMs: number): Log =>
  Array.from({ length: records }, (_, offset) => NOW - (records - offset) * everyMs)

describe('a search for the time of a position', () => {
  it('needs one question when the guess is the time of the record, or lies between it and the one before', () => {
    const log = even(1_000, 100)
    expect(search(log, 400, log[400]!)).toMatchObject({ isExact: true, at: log[400], isSettled: true, rounds: 1 })
    expect(search(log, 400, log[400]! - 99)).toMatchObject({ isExact: true, at: log[400], rounds: 1 })
  })

  it('asks behind the record before the position', () => {
    const log = even(1_000, 100)
    expect(search(log, 400, log[399]!)).toMatchObject({ isExact: true, at: log[400], rounds: 2 })
  })

  it.each([
    ['far too early', -30_000],
    ['far too late', 30_000],
    ['a little too late', 150],
  ])('finds it in an even log from a guess that is %s', (_, off) => {
    const log = even(1_000, 100)
    expect(search(log, 400, log[400]! + off)).toMatchObject({ isExact: true, at: log[400] })
  })

  it('asks for the first of all times at the log start', () => {
    expect(search(even(10, 100), 0, NOW - 100)).toMatchObject({ isExact: true, rounds: 1 })
  })

  it('settles on the largest time before when the record came late, and bounds it by the next one', () => {
    const log = [100, 200, 50, 300].map((at) => NOW - 1_000 + at)
    expect(search(log, 2, NOW - 900, { rounds: 8 })).toMatchObject({
      ...{ isExact: false, isSettled: true, at: NOW - 800, notBefore: NOW - 800, notAfter: NOW - 700 },
      notAfterIsGuess: true,
    })
  })

  it('knows the time of one among equals where the broker stamps', () => {
    const log = [1, 2, 2, 2, 3].map((at) => NOW - 10 + at)
    const told = search(log, 3, NOW - 8, { type: 'LogAppendTime', rounds: 5 })
    expect(told).toMatchObject({
      isExact: false,
      isSettled: true,
      at: NOW - 8,
      notAfter: NOW - 8,
      notAfterIsGuess: false,
    })
  })

  it('gives bounds for a position whose record compaction took', () => {
    const log = [10, 20, undefined, undefined, 50].map((at) => (at === undefined ? at : NOW - 100 + at))
    expect(search(log, 2, NOW - 80)).toMatchObject({
      ...{ isExact: false, isSettled: true, notBefore: NOW - 80, notAfter: NOW - 50 },
    })
  })

  it('believes no record from the future, and takes the bound that it has from before it', () => {
    const far = NOW + 86_400_000
    const hidden = [10, 20, far, 40, 50].map((at) => (at === far ? at : NOW - 100 + at))
    expect(search(hidden, 4, NOW - 85)).toMatchObject({ isExact: false, notBefore: NOW - 80 })
    expect(search([far, NOW - 50, NOW - 40], 2, NOW - 45)).toMatchObject({ reason: 'future_timestamp' })
    // Behind the position it harms nothing but the upper bound.
    const behind = search([NOW - 30, NOW - 30, far], 1, NOW - 30)
    expect(behind).toMatchObject({ isExact: false, isSettled: true, at: NOW - 30 })
    expect(behind).not.toHaveProperty('notAfter')
  })

  it('says that there are no timestamps, when not even the first of all times is found', () => {
    expect(search([undefined, undefined, undefined], 1, NOW - 5)).toMatchObject({ reason: 'no_timestamp' })
  })

  it('gives a bound rather than nothing when all rounds were too late', () => {
    const log = even(10_000, 1_000)
    expect(search(log, 3, NOW, { hasEnd: false })).toMatchObject({ isExact: false, at: log[0], isSettled: false })
  })

  it('goes on where an earlier look at the partition stopped', () => {
    const log = even(1_000, 100)
    const looks = [search(log, 400, log[400]!), search(log, 410, log[410]!)]
    expect(search(log, 405, 0, { bracket: bracketFrom(405n, looks) })).toMatchObject({ isExact: true, rounds: 1 })
  })
})

describe('whatever the log', () => {
  const late = fc.integer({ min: 0, max: 40 })
  const logs = fc.record({
    at: fc.array(fc.tuple(late, fc.integer({ min: 0, max: 9 })), { minLength: 2, maxLength: 60 }),
    ordered: fc.boolean(),
    holes: fc.boolean(),
    futures: fc.boolean(),
  })
  const build = ({ at, ordered, holes, futures }: ReturnType<typeof logs.generate>['value']): Log => {
    const times = at.map(([time, kind]) =>
      holes && kind === 0 ? undefined : futures && kind === 1 ? NOW + 5_000 + time : NOW - 50 + time,
    )
    if (!ordered) return times
    const sorted = times.filter((time) => time !== undefined).toSorted((a, b) => a - b)
    return times.map((time) => (time === undefined ? undefined : sorted.shift()))
  }

  it('what is told is true', () => {
    fc.assert(
      fc.property(
        logs,
        fc.nat(),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 5 }),
        (made, at, off, rounds) => {
          const log = build(made)
          const position = at % log.length
          const upTo = log
            .slice(0, position + 1)
            .filter((time) => time !== undefined && time <= NOW + 1_000) as number[]
          const isStamped = made.ordered && !made.futures
          const type = isStamped ? 'LogAppendTime' : 'CreateTime'
          const told = search(log, position, NOW - off, { rounds, type })

          if ('reason' in told) return
          expect(told.rounds).toBeLessThanOrEqual(rounds)
          if (told.isExact) expect(told.at).toBe(log[position])
          // A record of this time stands at the position or before it.
          expect(upTo).toContain(told.notBefore)
          if (told.isSettled && told.bracket.hiddenMs === undefined) expect(told.at).toBe(Math.max(...upTo))
          const here = log[position]
          if (isStamped && here !== undefined && told.notAfter !== undefined)
            expect(told.notAfter).toBeGreaterThanOrEqual(here)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('a bracket taken over from other positions is as true as one of its own', () => {
    fc.assert(
      fc.property(logs, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fc.nat(), (made, others, at) => {
        const log = build({ ...made, futures: false })
        const position = at % log.length
        const looks = others.map((other) => search(log, other % log.length, NOW - 25, { rounds: 2 }))
        const bracket = bracketFrom(BigInt(position), looks)
        const upTo = log.slice(0, position + 1).filter((time) => time !== undefined)
        const largest = Math.max(Number.NEGATIVE_INFINITY, ...upTo)

        if (bracket.below !== undefined) expect(largest).toBeGreaterThanOrEqual(bracket.below.at)
        if (bracket.beforeMs !== undefined) expect(largest).toBeLessThan(bracket.beforeMs)
        const told = search(log, position, NOW - 25, { bracket, rounds: 8 })
        if ('reason' in told) return
        if (told.isExact) expect(told.at).toBe(log[position])
        if (told.isSettled) expect(told.at).toBe(largest)
      }),
      { numRuns: 2_000 },
    )
  })
})
