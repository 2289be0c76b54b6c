import { describe, expect, it } from 'vitest'
import { verdictOf } from '../../bench/scenarios/judge-alerts.ts'
import { notation, recordSeries } from '../../bench/scenarios/recorded-series.ts'
import { readResults } from '../../bench/scenarios/results.ts'
import { pageWith, writtenPage } from '../../bench/scenarios/results-page.ts'
import { readRules } from '../../bench/scenarios/rule-files.ts'
import { wholeRuns } from '../../bench/scenarios/runs.ts'
import { scenariosAt } from '../../bench/scenarios/scenarios.ts'
import { checkTimeLags } from '../../bench/scenarios/time-lag-truth.ts'
import { playTrack } from '../../bench/scenarios/track.ts'

describe('docs/scenarios.md', () => {
  it('has the tables that the committed results give', () => {
    expect(writtenPage()).toBe(pageWith(readResults()))
  })

  it('has a row for every scenario, with what is expected of it now', () => {
    const { consumers, whole } = readResults()
    const expected = (all: readonly { id: string; expected: unknown }[]) => all.map((one) => [one.id, one.expected])

    expect(expected(consumers)).toEqual(expected(scenariosAt(4 * 3_600)))
    expect(expected(whole)).toEqual(expected(wholeRuns))
  })

  it('shows a Lagkeeper that never fires without cause, and in time where there is one', () => {
    const { consumers, whole } = readResults()
    const wrong = [...consumers, ...whole].filter(({ told }) => told.lagkeeper.verdict !== 'right')

    expect(wrong.map(({ id, told }) => [id, told.lagkeeper])).toEqual([])
  })
})

describe('playTrack()', () => {
  const minute = { everySeconds: 60, takesSeconds: 6 }

  it('commits what was read when a checkpoint began once it is complete', () => {
    const { end, committed } = playTrack({ produced: () => 1_000, checkpoint: minute }, 300, 1)

    expect(committed[125]).toBe(end[60])
    expect(committed[126]).toBe(end[120])
    expect(committed[185]).toBe(end[120])
  })

  it('goes on from the last commit after a restart, and commits nothing meanwhile', () => {
    const isRunning = (second: number): boolean => second < 100 || second >= 200
    const { end, committed } = playTrack(
      { produced: () => 1_000, speed: () => 2_000, checkpoint: minute, isRunning },
      400,
      1,
    )

    expect(committed[199]).toBe(end[60])
    // 41 s at 2,000 records/s from there on, at the next checkpoint.
    expect(committed[246]).toBe(end[60]! + 41 * 2_000)
  })

  it('leaves the marker of a transaction unread', () => {
    const produced = (second: number): number => (second === 30 ? 100 : 0)
    const { end, committed } = playTrack({ produced, checkpoint: minute, isTransactional: true }, 120, 1)

    expect(end[119]! - committed[119]!).toBe(1)
    expect(end[29]! - committed[29]!).toBe(1)
  })

  it('lets the log of a recreated topic begin anew under an old commit', () => {
    const { end, committed, life } = playTrack(
      { produced: () => 10, checkpoint: minute, recreate: { at: 100, noticesAfter: 60 } },
      300,
      1,
    )

    expect([life[99], life[100]]).toEqual([0, 1])
    expect(end[150]).toBeLessThan(committed[150]!)
    expect(committed[246]).toBe(end[240])
  })

  it('is the same for the same seed', () => {
    const behaviour = { produced: () => 5, checkpoint: minute }

    expect(playTrack(behaviour, 50, 3)).toEqual(playTrack(behaviour, 50, 3))
    expect(playTrack(behaviour, 50, 3).end).not.toEqual(playTrack(behaviour, 50, 4).end)
  })
})

describe('recordSeries()', () => {
  it('ends a series as a scrape does that does not find it', () => {
    expect(notation(['1', '1', '1', undefined, undefined, '2'], 8)).toBe('1+0x2 stale _ 2 stale _')
    expect(notation([undefined, undefined, '7'], 3)).toBe('_x2 7')
  })

  it('keeps what rules read, moves time stamps to the epoch, and knows a scrape that failed', () => {
    const recorded = recordSeries({ names: new Set(['lag', 'at_timestamp_seconds']), stepSeconds: 15, epoch: 1_000 })
    recorded.scrape('lag{consumer="a\\"b"} 3\nother 1\nat_timestamp_seconds 1015\n')
    recorded.scrape(undefined)

    const target = 'job="lagkeeper",instance="lagkeeper:10390"'
    expect(recorded.inputSeries().map(({ series, values }) => [series, values])).toEqual([
      [`up{${target}}`, '1 0'],
      [`lag{consumer="a\\"b",${target}}`, '3 stale'],
      [`at_timestamp_seconds{${target}}`, '15 stale'],
    ])
  })
})

describe('checkTimeLags()', () => {
  it('finds the samples that are farther from the truth than they say', () => {
    const behaviour = { produced: () => 10, checkpoint: { everySeconds: 60, takesSeconds: 6 } }
    const track = playTrack(behaviour, 300, 1)
    const said: Readonly<Record<string, readonly (number | undefined)[]>> = {
      stream_consumer_time_lag_seconds: [undefined, 40, 15, 15],
      stream_consumer_time_lag_uncertainty_seconds: [undefined, 0, 0, 60],
    }
    const recorded = { values: (name: string) => said[name] ?? [] }

    // What was committed at second 60 was written until then, so that one of the next second is the first to wait.
    expect(checkTimeLags(track, recorded, 'any', 100)).toEqual({
      samples: 3,
      absent: 1,
      wrong: [{ second: 200, printed: 15, truth: 19 }],
    })
  })
})

describe('verdictOf()', () => {
  it('tells false alarms, early, late and missing ones', () => {
    const page = { kind: 'page', from: 100, within: 60 } as const

    expect(verdictOf({ kind: 'silence' }, { minutes: 0 })).toBe('right')
    expect(verdictOf({ kind: 'silence' }, { minutes: 0.5, first: 3 })).toBe('false')
    expect(verdictOf(page, { minutes: 9, first: 99 })).toBe('before')
    expect(verdictOf(page, { minutes: 9, first: 160 })).toBe('right')
    expect(verdictOf(page, { minutes: 9, first: 161 })).toBe('late')
    expect(verdictOf(page, { minutes: 0 })).toBe('never')
    expect(verdictOf({ ...page, lasts: 9 }, { minutes: 9, first: 160 })).toBe('right')
    expect(verdictOf({ ...page, lasts: 10 }, { minutes: 9, first: 160 })).toBe('short')
  })
})

describe('readRules()', () => {
  it('reads what we ship before what others ship, and the names of its metrics', () => {
    const { groups, words } = readRules()

    expect(groups.slice(-3)).toEqual(['strimzi', 'kafka-mixin', 'samber'])
    expect(groups).toContain('lagkeeper-lag')
    expect([...words]).toEqual(expect.arrayContaining(['stream_consumer_status', 'kafka_consumergroup_lag']))
  })
})
