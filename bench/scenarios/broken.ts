import type { Expected, Scenario } from './scenario.ts'
import { autoCommit, batch, before, busy, everyMinute, HOUR, MINUTE, oneAMinute } from './shapes.ts'

const page = (from: number, within: number): Expected => ({ kind: 'page', from, within })
const ticket = (from: number, within: number): Expected => ({ kind: 'ticket', from, within })

/** The times to an alert that docs/alerts.md states, and a minute for cycle, scrape and evaluation. */
const stated = {
  /** A promise of so many seconds is broken by a stop: two commits of 60 s and 5 min more. */
  promised: (seconds: number): number => seconds + 8 * MINUTE,
  /** A position stands still. */
  stalled: 13 * MINUTE,
  vanished: 11 * MINUTE,
  unknown: 13 * MINUTE,
  fallingBehind: 75 * MINUTE,
} as const

/** About these somebody is to be told, and soon. */
export function brokenAt(at: number): readonly Scenario[] {
  const half = at / 2
  const quarter = at / 4
  return [
    {
      id: 'stops-busy',
      what: 'job stops, 1,000 records/s',
      expected: page(at, stated.promised(300)),
      behaviour: { produced: busy, checkpoint: everyMinute, isRunning: before(at) },
      objectiveSeconds: 300,
    },
    {
      id: 'stops-quiet',
      what: 'job stops, 1 record/min',
      expected: page(at, stated.promised(300)),
      behaviour: { produced: oneAMinute, checkpoint: everyMinute, isRunning: before(at) },
      objectiveSeconds: 300,
    },
    {
      id: 'stops-unpromised',
      what: 'job without an objective stops, 1,000 records/s',
      expected: ticket(at, stated.stalled),
      behaviour: { produced: busy, checkpoint: everyMinute, isRunning: before(at) },
    },
    {
      id: 'members-leave',
      what: 'all members leave, 1,000 records/s, no objective',
      expected: ticket(at, stated.stalled),
      behaviour: { produced: busy, checkpoint: autoCommit, isRunning: before(at) },
      hasMembers: true,
    },
    {
      id: 'one-partition-stuck',
      what: 'one partition of eight stands still',
      expected: page(at, stated.promised(300)),
      behaviour: { produced: () => 100, checkpoint: autoCommit },
      partitions: 8,
      stuckFrom: at,
      hasMembers: true,
      objectiveSeconds: 300,
    },
    {
      id: 'vanishes',
      what: 'group and its offsets are deleted',
      expected: ticket(at, stated.vanished),
      behaviour: { produced: busy, checkpoint: everyMinute },
      vanishesAt: at,
    },
    {
      id: 'leak',
      what: '1 % too slow, no objective (216 s behind after 6 h)',
      expected: ticket(half, stated.fallingBehind),
      behaviour: { produced: busy, speed: (second) => (second < half ? 2_000 : 990), checkpoint: everyMinute },
    },
    {
      id: 'leak-promised',
      // A commit is 6 to 66 s old: the promise is broken between 9,900 and 12,000 s after it began.
      what: '1 % too slow, objective 120 s (broken after 3 h 20 min)',
      expected: page(half + 9_900, 2_100 + stated.promised(0)),
      behaviour: { produced: busy, speed: (second) => (second < half ? 2_000 : 990), checkpoint: everyMinute },
      objectiveSeconds: 120,
    },
    {
      id: 'burst',
      // Records wait 300 s after 409 s.
      what: '15 times as much for 10 min, drained 37 min later; objective 300 s is broken meanwhile',
      expected: page(at, 409 + stated.promised(0)),
      behaviour: {
        produced: (second) => (second >= at && second < at + 600 ? 15_000 : 1_000),
        speed: () => 4_000,
        checkpoint: everyMinute,
      },
      objectiveSeconds: 300,
    },
    {
      id: 'crash-loop',
      what: 'restarts every 2 min, no checkpoint ever completes',
      expected: page(at, stated.promised(300)),
      behaviour: {
        produced: busy,
        speed: () => 4_000,
        checkpoint: everyMinute,
        isRunning: (second) => second < at || second % 120 < 90,
        completes: before(at - 60),
      },
      objectiveSeconds: 300,
    },
    {
      id: 'recreated-unnoticed',
      what: 'topic recreated, the consumer never notices',
      expected: ticket(at, stated.unknown),
      behaviour: { produced: busy, checkpoint: everyMinute, recreate: { at: at } },
      objectiveSeconds: 300,
    },
    {
      id: 'retention-overtakes',
      what: 'half as fast as needed, retention 2 h: records are lost 4 h later',
      expected: ticket(quarter, stated.fallingBehind),
      behaviour: {
        produced: busy,
        speed: (second) => (second < quarter ? 2_000 : 500),
        checkpoint: everyMinute,
        retentionSeconds: 2 * HOUR,
      },
    },
    {
      id: 'nightly-batch-half',
      what: 'the same batch, the job stops in the middle of it',
      expected: ticket(half + 20 * MINUTE, stated.stalled),
      behaviour: {
        produced: batch(1_000_000, half, 600),
        speed: () => 500,
        checkpoint: everyMinute,
        isRunning: before(half + 20 * MINUTE),
      },
    },
  ]
}
