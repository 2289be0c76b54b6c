import { describe, expect, it } from 'vitest'
import { judgeLines } from '../../src/judge/judge-lines.ts'
import { createJudgeReader } from '../../src/judge/judge-reader.ts'
import { consumerTotals } from '../../src/lag/totals.ts'
import type { Objective } from '../../src/model/objective.ts'
import { type Change, inWords, stories, told } from './stories.ts'
import { INTERVAL, type Seen, type WatchOptions, watch } from './watched.ts'

const START = 1_000_000
const promise: Objective = { consumer: 'c', topic: 't', owner: 'payments', severity: 'critical', seconds: 60 }

describe('the judge, cycle after cycle', () => {
  it.each<[keyof typeof stories, string]>([
    ['reads all the time', '0:00 ok'],
    ['one record a minute', '0:00 ok'],
    ['one record an hour', '0:00 ok'],
    ['nothing for two hours, then traffic', '0:00 ok'],
    ['the end of a transaction, suspected', '0:00 ok'],
    ['the end of a transaction, not known as one', '0:00 ok'],
    ['commits every 60 s', '0:00 ok'],
    ['commits every 600 s', '0:00 ok'],
    // Once, until the first two commits were seen.
    ['commits every 25 minutes', '0:00 ok, 10:00 stalled, 25:00 ok'],
    ['orphan commits', '0:00 ok, 10:00 unknown'],
    ['members that stood before they were watched', '0:00 ok, 10:00 stalled'],
    ['a nightly batch, read', '0:00 ok'],
    ['a nightly batch, its job dies half-way', '0:00 ok, 16:00 stopped'],
    ['a nightly batch, its job gets stuck half-way', '0:00 ok, 16:00 stalled'],
    ['its members vanish', '0:00 ok, 28:00 lagging, 30:00 stopped'],
    ['its job ends', '0:00 ok, 28:00 lagging, 30:00 stopped'],
    ['it stops, and nobody knows of members', '0:00 ok, 28:00 lagging, 30:00 stalled'],
    ['it stops for 25 minutes', '0:00 ok, 28:00 lagging, 30:00 stalled, 45:00 ok'],
    ['it leaks 1 %', '0:00 ok, 10:30 lagging'],
    ['ten minutes of 15 times the traffic', '0:00 ok, 28:00 lagging, 35:00 ok'],
    ['traffic grows, it keeps up', '0:00 ok'],
    ['it is set back', '0:00 ok, 20:00 rewound, 30:00 ok'],
    ['a broker is down for 20 minutes', '0:00 ok, 21:15 unknown, 40:00 ok'],
    ['it commits again and again, always the same', '0:00 ok, 10:30 lagging, 11:00 stalled'],
  ])('%s: %s', (name, expected) => {
    expect(told(stories[name])).toBe(expected)
  })

  it.each<[keyof typeof stories, Partial<Objective>, string]>([
    // The tooth of a checkpoint is no lag, however high it is.
    ['commits every 600 s', { seconds: 30 }, '0:00 ok'],
    ['commits every 60 s', { records: 1_000 }, '0:00 ok'],
    ['it leaks 1 %', { seconds: 60 }, '0:00 ok, 105:00 lagging'],
    ['ten minutes of 15 times the traffic', { seconds: 300 }, '0:00 ok, 31:30 lagging, 65:00 ok'],
    ['ten minutes of 15 times the traffic', { records: 100_000 }, '0:00 ok, 28:00 lagging, 61:15 ok'],
    ['traffic grows, it keeps up', { seconds: 60 }, '0:00 ok'],
    ['its members vanish', { seconds: 60 }, '0:00 ok, 28:00 lagging, 30:00 stopped'],
    // Somebody promised for what nobody reads.
    ['orphan commits', { records: 100_000 }, '0:00 ok, 10:00 unknown, 28:00 lagging'],
  ])('%s, promised %o: %s', (name, promised, expected) => {
    const { seconds: _, ...rest } = promise
    expect(told(stories[name], { objectives: [{ ...rest, ...promised }] })).toBe(expected)
  })

  it('finds the one partition that is stuck among those that move', () => {
    const at = (s: number): Seen => ({
      ends: { t: [s * 10, s * 10, s * 10] },
      positions: { c: { t: { 0: s * 10, 1: Math.min(s * 10, 12_000), 2: s * 10 } } },
      members: { c: 3 },
    })

    expect(watched(at, 60)).toBe('0:00 ok, 28:00 lagging, 30:00 stalled')
    expect(last.why).toBe('1 partition with 24000 records left, unmoved for 2400 s, while 6000 records arrived')
  })

  it('knows the topics of a group apart, and the group is as its worst', () => {
    const world = watch()
    for (let s = 0; s <= 1_800; s += 15)
      world.see(START + s * 1_000, {
        ends: { bad: [s * 10], good: [s * 10] },
        positions: { c: { bad: { 0: Math.min(s, 600) * 10 }, good: { 0: s * 10 } } },
        members: { c: 1 },
      })

    expect(world.of('c', 'bad').status).toBe('stalled')
    expect(world.of('c', 'good').status).toBe('ok')
    expect(consumerTotals(world.snapshot().parts, [], [])[0]?.status).toBe('stalled')
  })

  it('does not accuse a living group of a topic that it has left', () => {
    const at = (s: number): Seen => ({
      ends: { t: [500 + s], other: [s * 10] },
      positions: { c: { t: { 0: 100 }, other: { 0: s * 10 } } },
      members: { c: 1 },
    })

    expect(watched(at, 60)).toBe('0:00 ok, 10:00 unknown')
  })

  it('goes on when partitions are added', () => {
    const at = (s: number): Seen => ({
      ends: { t: s < 1_200 ? [s * 10] : [s * 10, 50_000 + s * 10, 50_000 + s * 10] },
      positions: {
        c: { t: s < 1_200 ? { 0: s * 10 } : { 0: s * 10, 1: 50_000 + s * 10 - 5, 2: 50_000 + s * 10 - 5 } },
      },
      members: { c: 1 },
    })

    expect(watched(at, 60)).toBe('0:00 ok')
    expect(last.consumeRate).toBeCloseTo(30, 0)
  })

  it('begins anew with a topic of the same name', () => {
    const at = (s: number): Seen => ({
      ends: { t: [s < 1_200 ? 10_000 : (s - 1_200) * 10] },
      ids: { t: s < 1_200 ? 'a' : 'b' },
      positions: { c: { t: { 0: s < 1_200 ? 5_000 : (s - 1_200) * 10 } } },
      members: { c: 1 },
    })

    expect(watched(at, 60)).toBe('0:00 ok')
    expect(last.rewinds).toBe(0)
  })

  it('judges a consumer by the partitions that have a position', () => {
    const at = (s: number): Seen => ({
      ends: { t: [s * 100, 777] },
      positions: { c: { t: { 0: Math.floor(s * 90), 1: 'no_position' } } },
      members: { c: 1 },
    })

    expect(watched(at, 60)).toBe('0:00 ok, 10:30 lagging')
    expect(last.consumeRate).toBeCloseTo(90, 0)
    expect(last.outlook).toBe('falls_behind')
  })

  it('does not take what a restored Flink job reads once more for a rewind, but one to an old savepoint', () => {
    const at =
      (back: number) =>
      (s: number): Seen => ({
        kind: 'flink',
        ends: { t: [s * 10] },
        positions: { c: { t: { 0: s < 1_200 ? s * 10 : (s - back) * 10 } } },
      })

    expect(watched(at(60), 40)).toBe('0:00 ok')
    expect(watched(at(900), 40)).toBe('0:00 ok, 20:00 rewound, 30:00 ok')
  })

  it('judges a share group by its lag alone', () => {
    const at =
      (lag: number) =>
      (s: number): Seen => ({
        kind: 'share',
        isLag: true,
        ends: { t: [s * 100] },
        positions: { c: { t: { 0: Math.floor(50 + s * lag) } } },
        members: { c: 1 },
      })

    expect(watched(at(0), 40)).toBe('0:00 ok')
    expect(last.timeLag).toBeUndefined()
    expect(last.consumeRate).toBeUndefined()
    expect(watched(at(5), 40)).toBe('0:00 ok, 10:30 lagging')
    const { seconds: _, ...rest } = promise
    expect(watched(at(5), 40, { objectives: [{ ...rest, records: 5_000 }] })).toBe('0:00 ok, 21:00 lagging')
  })

  it('is not misled by an end that fell while it was not known', () => {
    const world = watch()
    const see = (s: number, end: Seen['ends'][string][number]): unknown =>
      world.see(START + s * 1_000, { ends: { t: [end] }, positions: { c: { t: { 0: 40 } } } })
    see(0, 100)
    see(15, 100)
    see(30, 'timeout')
    see(45, 50)

    // Passed 45 s ago at the latest, says the log that is gone.
    expect(world.of('c', 't').timeLag).toBeUndefined()
    see(60, 60)
    expect(world.of('c', 't').timeLag).toBeUndefined()
  })

  it('tells since when a status holds, over restarts and while the wall clock is set', () => {
    const stalled = (s: number): Seen => ({
      ends: { t: [s * 10], u: [s * 10] },
      positions: { c: { t: { 0: 6_000 } }, d: { u: { 0: Math.max(0, s * 10 - 100) } } },
      members: { c: 1, d: 1 },
    })
    const before = watch()
    for (let s = 600; s <= 2_400; s += 15) before.see(START + s * 1_000, stalled(s))
    const since = before.of('c', 't').since
    expect(before.of('c', 't').status).toBe('stalled')
    const moment = START + 2_400_000
    const lines = [...judgeLines(before.judge, head, { now: moment, wall: WALL + moment })]

    // Twenty minutes later, in a process whose monotonic clock begins anew.
    const later = moment + 1_200_000
    const shift = later - 5_000
    const reader = createJudgeReader('main', { now: 5_000, wall: WALL + later })
    for (const text of lines) expect(reader.take(text)).toBeUndefined()
    const after = watch({ saved: reader.done()!.saved, wallOffset: WALL + shift })
    after.see(5_000, stalled(3_600))

    expect(after.of('c', 't').status).toBe('stalled')
    expect(after.of('c', 't').since).toBe(since)
    expect(after.of('c', 't').why).toContain('unmoved for 18')
    expect(after.of('d', 'u').status).toBe('ok')
    expect(after.of('d', 'u').timeLag?.seconds).toBeLessThan(1_230)
  })

  it('does not accuse after a restart who has stood while nobody looked', () => {
    const at = (s: number): Seen => ({
      ends: { t: [s * 10] },
      positions: { c: { t: { 0: 5_990 } } },
      members: { c: 1 },
    })
    const before = watch()
    for (let s = 300; s <= 600; s += 15)
      before.see(START + s * 1_000, { ...at(s), positions: { c: { t: { 0: s * 10 - 10 } } } })
    const moment = START + 600_000
    const reader = createJudgeReader('main', { now: moment + 3_600_000, wall: WALL + moment + 3_600_000 })
    for (const text of judgeLines(before.judge, head, { now: moment, wall: WALL + moment })) reader.take(text)
    const after = watch({ saved: reader.done()!.saved })

    after.see(moment + 3_600_000, at(4_200))
    expect(after.of('c', 't').status).toBe('ok')
    for (let s = 15; s <= 600; s += 15) after.see(moment + 3_600_000 + s * 1_000, at(4_200 + s))
    expect(after.of('c', 't').status).toBe('stalled')
  })
})

const WALL = 1_700_000_000_000
const head = { kafkaCluster: 'main', clusterId: 'abc' }
let last: ReturnType<ReturnType<typeof watch>['of']>

/** When the status of consumer c on topic t changes. */
function watched(at: (second: number) => Seen, minutes: number, options: WatchOptions = {}): string {
  const world = watch(options)
  const changes: Change[] = []
  for (let second = 0; second <= minutes * 60; second += INTERVAL / 1_000) {
    world.see(START + second * 1_000, at(second))
    last = world.of('c', 't')
    if (last.status !== changes.at(-1)?.status) changes.push({ second, status: last.status })
  }
  return inWords(changes)
}
