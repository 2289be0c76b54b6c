import type { Expected, Scenario } from './scenario.ts'
import {
  autoCommit,
  batch,
  before,
  busy,
  everyMinute,
  everyTenMinutes,
  HOUR,
  MINUTE,
  nothing,
  oneAMinute,
  outside,
} from './shapes.ts'

const silence: Expected = { kind: 'silence' }

/** About these nobody is to be told anything. */
export function healthyAt(at: number): readonly Scenario[] {
  const half = at / 2
  return [
    {
      id: 'healthy-60s',
      what: 'healthy, 1,000 records/s, a checkpoint every 60 s',
      expected: silence,
      behaviour: { produced: busy, checkpoint: everyMinute },
      objectiveSeconds: 300,
    },
    {
      id: 'healthy-600s',
      what: 'healthy, 1,000 records/s, a checkpoint every 600 s (saw-tooth of 600,000 records)',
      expected: silence,
      behaviour: { produced: busy, checkpoint: everyTenMinutes },
      objectiveSeconds: 300,
    },
    {
      id: 'healthy-auto-commit',
      what: 'healthy, 1,000 records/s, members that commit every 5 s',
      expected: silence,
      behaviour: { produced: busy, checkpoint: autoCommit },
      hasMembers: true,
      objectiveSeconds: 300,
    },
    {
      id: 'quiet',
      what: 'healthy, 1 record/min',
      expected: silence,
      behaviour: { produced: oneAMinute, checkpoint: everyMinute },
      objectiveSeconds: 300,
    },
    {
      id: 'idle-transactional',
      what: 'idle, constant lag of 1 behind a transaction marker',
      expected: silence,
      behaviour: {
        produced: (second) => (second === -HOUR ? 100 : 0),
        checkpoint: everyMinute,
        isTransactional: true,
      },
      objectiveSeconds: 300,
    },
    {
      id: 'transactions',
      what: 'a transaction every 15 min, lag of 1 in between',
      expected: silence,
      behaviour: {
        produced: (second) => (second % (15 * MINUTE) === 0 ? 500 : 0),
        checkpoint: everyMinute,
        isTransactional: true,
      },
      objectiveSeconds: 300,
    },
    {
      id: 'burst-allowed',
      what: 'the same burst, objective 3,600 s',
      expected: silence,
      behaviour: {
        produced: (second) => (second >= at && second < at + 600 ? 15_000 : 1_000),
        speed: () => 4_000,
        checkpoint: everyMinute,
      },
      objectiveSeconds: 3_600,
    },
    {
      id: 'restart-storm',
      what: 'restarts every 4 min for 2 h, with checkpoints in between',
      expected: silence,
      behaviour: {
        produced: busy,
        speed: () => 4_000,
        checkpoint: everyMinute,
        isRunning: (second) => second < at || second >= at + 2 * HOUR || second % 240 < 200,
      },
      objectiveSeconds: 300,
    },
    {
      id: 'redeployed',
      what: 'down for 8 min, then catches up; objective 900 s',
      expected: silence,
      behaviour: {
        produced: busy,
        speed: () => 3_000,
        checkpoint: everyMinute,
        isRunning: outside(at, at + 480),
      },
      objectiveSeconds: 900,
    },
    {
      id: 'recreated',
      what: 'topic recreated, the consumer begins anew 2 min later',
      expected: silence,
      behaviour: { produced: busy, checkpoint: everyMinute, recreate: { at: at, noticesAfter: 120 } },
      objectiveSeconds: 300,
    },
    {
      id: 'nightly-batch',
      what: 'a million records in 10 min once a night, read in 33 min',
      expected: silence,
      behaviour: { produced: batch(1_000_000, half, 600), speed: () => 500, checkpoint: everyMinute },
    },
    {
      id: 'orphan',
      what: 'commits that nobody has touched for hours, on a topic that lives (100 records/s)',
      expected: silence,
      behaviour: { produced: () => 100, checkpoint: everyMinute, isRunning: before(-2 * HOUR) },
    },
    {
      id: 'rewound',
      what: 'offsets set back by 1,000,000 records, read again in 17 min',
      expected: silence,
      behaviour: {
        produced: busy,
        speed: () => 2_000,
        checkpoint: everyMinute,
        rewind: { at: at, records: 1_000_000 },
      },
    },
    {
      id: 'backfill',
      what: 'new job, 4,000,000 records behind at first, drained after 67 min; no objective',
      expected: silence,
      behaviour: {
        produced: busy,
        speed: (second) => (second < 0 ? 1_000 : 2_000),
        checkpoint: everyMinute,
        behind: 4_000_000,
      },
    },
    {
      id: 'idle',
      what: 'topic without a record, nothing to read',
      expected: silence,
      behaviour: { produced: nothing, checkpoint: autoCommit },
      hasMembers: true,
      objectiveSeconds: 300,
    },
  ]
}
