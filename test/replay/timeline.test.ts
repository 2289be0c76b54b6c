import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/model/judgement.ts'
import type { Objective } from '../../src/model/objective.ts'
import { createTimeline } from '../../src/replay/timeline.ts'
import { runInTurns } from '../../src/runtime/breathe.ts'
import { fakeJudgements } from '../fakes/judgements.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'

const consumer = { name: 'g', kind: 'classic' } as const
const objective: Objective = { consumer: 'g', topic: 't', records: 5, owner: 'team', severity: 'critical' }

interface Minute {
  readonly status?: Status
  /** Absent: not known. */
  readonly lag?: bigint
  readonly isPromised?: false
}

/** A cycle a minute, from minute 0 of the Unix epoch. */
async function timelineOf(minutes: Readonly<Record<number, Minute>>) {
  const timeline = createTimeline(60_000)
  for (const [minute, { status, lag, isPromised = true }] of Object.entries(minutes)) {
    const row = { consumer, topic: 't', partition: 0, start: 0n }
    const rows = [
      lag === undefined ? { ...row, reason: 'timeout' as const } : { ...row, position: 100n - lag, end: 100n },
    ]
    const objectives = isPromised ? [objective] : []
    const takenAtWall = Number(minute) * 60_000
    const snapshot = fakeSnapshot(rows, { takenAtWall, objectives })
    const judgements = fakeJudgements(
      status === undefined ? [] : [{ status, since: 0, outlook: 'unknown', rewinds: 0 }],
    )
    await runInTurns(timeline.take({ ...snapshot, parts: snapshot.parts.map((part) => ({ ...part, judgements })) }))
  }
  return timeline
}

describe('what became of a consumer', () => {
  it('is told by changes, and by minutes in each status', async () => {
    const timeline = await timelineOf({
      0: { status: 'ok' },
      1: { status: 'ok' },
      2: { status: 'stalled' },
      3: { status: 'stalled' },
      4: {},
      5: { status: 'ok' },
    })

    const [{ changes, minutes } = { changes: [], minutes: new Map() }] = timeline.consumers()
    expect(changes.map(({ at, status }) => `${at / 60_000} ${status}`)).toEqual(['0 ok', '2 stalled', '4 gone', '5 ok'])
    expect(Object.fromEntries(minutes)).toEqual({ ok: 2, stalled: 2, gone: 1 })
  })

  it('counts nothing where nothing was recorded', async () => {
    const timeline = await timelineOf({ 0: { status: 'ok' }, 1: { status: 'ok' }, 60: { status: 'ok' } })

    expect(timeline.consumers()[0]?.minutes.get('ok')).toBe(3)
  })
})

describe('how often a promise was broken', () => {
  const broken = async (minutes: Readonly<Record<number, Minute>>) =>
    (await timelineOf(minutes))
      .objectives()
      .flatMap((one) => one.broken.map(({ from, to }) => `${from / 60_000} to ${to / 60_000}`))

  it('is how often the lag passed it', async () => {
    expect(
      await broken({ 0: { lag: 5n }, 1: { lag: 6n }, 2: { lag: 9n }, 3: { lag: 0n }, 4: { lag: 6n }, 5: { lag: 6n } }),
    ).toEqual(['1 to 3', '4 to 5'])
  })

  it('does not end by not knowing, nor begin by it', async () => {
    expect(await broken({ 0: {}, 1: { lag: 6n }, 2: {}, 3: { lag: 6n }, 4: { lag: 1n }, 5: {} })).toEqual(['1 to 4'])
  })

  it('ends where nothing is promised', async () => {
    const nothing = { lag: 6n, isPromised: false } as const
    expect(
      await broken({ 0: { lag: 6n }, 1: { lag: 6n }, 2: nothing, 3: nothing, 4: { lag: 6n }, 5: { lag: 6n } }),
    ).toEqual(['0 to 1', '4 to 5'])
  })
})
