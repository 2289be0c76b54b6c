import { describe, expect, it } from 'vitest'
import { FLOORS, floorOf, riseOf } from '../../src/judge/floors.ts'
import { type StatusFacts, statusOf } from '../../src/judge/status.ts'
import type { Objective } from '../../src/model/objective.ts'

const WINDOW = 600_000
const NOW = 10_000_000

const calm: StatusFacts = {
  now: NOW,
  windowMs: WINDOW,
  standing: undefined,
  hasMoved: true,
  movesElsewhere: false,
  rewoundAt: Number.NaN,
  members: 3,
  hadMembers: true,
  isJob: false,
  isJobRunning: undefined,
  floor: undefined,
  rise: undefined,
  isLosing: false,
  timeLagAtLeast: 0,
  lag: 100,
  objectives: [],
}
const standing = { partitions: 2, lag: 500, longestMs: 900_000, arrived: 40, hasStoppedShort: false }
const promise: Objective = { consumer: 'c', topic: 't', owner: 'payments', severity: 'critical', seconds: 60 }
const rising = [10, 200, 400, 600].map((lag, index) => ({
  since: NOW - WINDOW + index * 200_000,
  lag,
  timeLag: lag / 10,
  ends: index * 20_000,
}))
const floors = (stretches: typeof rising, isStepKnown = true): Pick<StatusFacts, 'floor' | 'rise'> => {
  const list = new Array<number>(FLOORS).fill(Number.NaN)
  for (const [index, { since, lag, timeLag, ends }] of stretches.entries())
    list.splice(index * 4, 4, since, lag, timeLag, ends)
  return { floor: floorOf(list, 0, isStepKnown), rise: riseOf(list, 0) }
}

describe('the status of a consumer', () => {
  it.each<[string, Partial<StatusFacts>, string, string | undefined]>([
    ['nothing is wrong', {}, 'ok', undefined],
    ['a position lies below the log start', { isLosing: true }, 'lagging', 'records were deleted before it read them'],
    [
      'commits that nobody has touched lie below the log start',
      { isLosing: true, standing, hasMoved: false, members: 0, hadMembers: false },
      'unknown',
      'positions that nobody has moved since they are watched',
    ],
    ['the lag is not known', { lag: undefined }, 'unknown', 'the lag is not known'],
    [
      'it stands while records arrive',
      { standing },
      'stalled',
      '2 partitions with 500 records left, unmoved for 900 s, while 40 records arrived',
    ],
    [
      'it stands, and the group has lost its members',
      { standing, members: 0 },
      'stopped',
      '2 partitions with 500 records left, unmoved for 900 s, while 40 records arrived; the group has no members left',
    ],
    [
      'it stands, and its job does not run',
      { standing, isJob: true, isJobRunning: false, members: undefined },
      'stopped',
      '2 partitions with 500 records left, unmoved for 900 s, while 40 records arrived; the job does not run',
    ],
    ['it stands with nothing new and never moved', { standing: { ...standing, arrived: 0 } }, 'ok', undefined],
    [
      'it stands with nothing new, after it had read a part',
      { standing: { ...standing, arrived: 0, hasStoppedShort: true } },
      'stalled',
      '2 partitions with 500 records left, unmoved for 900 s',
    ],
    [
      'it stands with nothing new, over its objective',
      { standing: { ...standing, arrived: 0 }, objectives: [promise], timeLagAtLeast: 61 },
      'stalled',
      '2 partitions with 500 records left, unmoved for 900 s',
    ],
    [
      'nobody was ever seen to read it',
      { standing, hasMoved: false, hadMembers: false, members: 0 },
      'unknown',
      'positions that nobody has moved since they are watched',
    ],
    [
      'the group reads another topic and never this one',
      { standing, hasMoved: false, movesElsewhere: true },
      'unknown',
      'positions that nobody has moved since they are watched',
    ],
    [
      'a job runs that never moved',
      { standing, hasMoved: false, hadMembers: false, isJob: true, isJobRunning: true },
      'stalled',
      undefined,
    ],
    [
      'a job stands that moves elsewhere',
      { standing, hasMoved: false, isJob: true, movesElsewhere: true },
      'stalled',
      undefined,
    ],
    ['a job commits without members', { standing, members: 0, hadMembers: false, isJob: true }, 'stalled', undefined],
    ['a living group never moved', { standing, hasMoved: false }, 'stalled', undefined],
    ['it was set back', { rewoundAt: NOW - 30_000 }, 'rewound', 'positions were set back 30 s ago'],
    ['it was set back a window ago', { rewoundAt: NOW - WINDOW }, 'ok', undefined],
    ['it was set back, and stands', { rewoundAt: NOW - 30_000, standing }, 'stalled', undefined],
    ['its floor rises', { ...floors(rising) }, 'lagging', 'its least lag rose by 390 records in 400 s'],
    ['its floor rises, and somebody promised more', { ...floors(rising), objectives: [promise] }, 'ok', undefined],
    [
      'its floor is over the promised seconds',
      { ...floors(rising), objectives: [{ ...promise, seconds: 39 }] },
      'lagging',
      '40 s behind, payments promised 39 s',
    ],
    [
      'its floor is over the promised records',
      {
        ...floors(rising),
        objectives: [{ consumer: 'c', topic: 't', owner: 'payments', severity: 'info', records: 399 }],
      },
      'lagging',
      '400 records behind, payments promised 399 records',
    ],
    [
      'its floor is over what is promised, and nobody knows how often it commits',
      { ...floors(rising.slice(1), false), objectives: [promise] },
      'ok',
      undefined,
    ],
    ['its floor rises, and it has caught up', { ...floors(rising), lag: 0 }, 'ok', undefined],
    ['its floor rose until the lag became unknown', { ...floors(rising), lag: undefined }, 'unknown', undefined],
    ['it is set back and lags', { ...floors(rising), rewoundAt: NOW - 1 }, 'rewound', undefined],
    [
      'its floor rises as the traffic does, without delay',
      { ...floors(rising.map((floor) => ({ ...floor, timeLag: 5 }))) },
      'ok',
      undefined,
    ],
    [
      'its floor rises by less than the traffic varies',
      { ...floors(rising.map((floor) => ({ ...floor, ends: floor.ends * 100 }))) },
      'ok',
      undefined,
    ],
  ])('when %s', (_, facts, status, why) => {
    const verdict = statusOf({ ...calm, ...facts })

    expect(verdict.status).toBe(status)
    if (why !== undefined) expect(verdict.why).toBe(why)
    expect(verdict.why === undefined).toBe(status === 'ok')
  })
})
