import { beforeAll, describe, expect, it } from 'vitest'
import { type Played, playConsumers } from '../../bench/scenarios/play.ts'
import { evaluateRules } from '../../bench/scenarios/rule-engine.ts'
import { readRules } from '../../bench/scenarios/rule-files.ts'
import { scenariosAt } from '../../bench/scenarios/scenarios.ts'

/** Those that are hardest to tell apart; `npx tsx bench/main.ts scenarios` plays all of them, and longer. */
const worst = ['healthy-600s', 'transactions', 'orphan', 'recreated', 'stops-quiet', 'nightly-batch-half']
const HOUR = 3_600

describe('the rules that we ship, on two hours of the daemon', () => {
  let played: Played

  beforeAll(async () => {
    played = await playConsumers(
      scenariosAt(HOUR).filter(({ id }) => worst.includes(id)),
      2 * HOUR,
    )
  })

  it.each(worst)('are right about "%s"', (id) => {
    const row = played.rows.find((one) => one.id === id)

    expect(row?.told.lagkeeper.verdict, JSON.stringify(row)).toBe('right')
  })

  it.each(worst.filter((id) => id !== 'recreated'))(
    'are given time lags of "%s" that are as right as they say',
    (id) => {
      const check = played.timeLags.get(id)

      expect(check?.wrong).toEqual([])
      expect(check?.samples).toBeGreaterThan(470)
    },
  )

  it('are not the only ones that could be wrong: a fixed number of records is, on a healthy job', () => {
    const healthy = played.rows.find(({ id }) => id === 'healthy-600s')

    expect(healthy?.told.strimzi.minutes).toBeGreaterThan(100)
    expect(healthy?.told.samber.verdict).toBe('false')
  })
})

describe('evaluateRules()', () => {
  it('says what the rules of peers make of a lag, through staleness, `for` and `keep_firing_for`', async () => {
    const rules = readRules()
    const labels = { consumergroup: 'g', topic: 't', partition: '0', kafka_cluster: 'main' }
    const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    const series = `kafka_consumergroup_lag{${text.join(',')}}`
    // Over 1,000 for 20 min from minute 5 on, then nobody says anything for 20 min.
    const inputSeries = [{ labels, series, values: '0+0x19 1500+0x79 stale _x79' }]
    const [first, count] = await evaluateRules({ rules, isWhole: true, inputSeries, stepSeconds: 15, steps: 180 }, [
      'alert:first{ruleset!=""}',
      'alert:evaluations{ruleset!=""}',
    ])
    const byAlert = (answers: typeof first) =>
      Object.fromEntries((answers ?? []).map(({ labels: { alertname }, value }) => [alertname, value]))

    // 10 s are one evaluation more, 15 min are 60.
    expect(byAlert(first)).toEqual({ StrimziConsumerGroupLag: 315, MixinLagKeepsOver: 1_200 })
    // The mixin's is kept for 5 min more.
    expect(byAlert(count)).toEqual({ StrimziConsumerGroupLag: 79, MixinLagKeepsOver: 20 + 20 })
  })

  it('fails when a rule cannot be evaluated', async () => {
    const rules = readRules()

    await expect(
      evaluateRules({ rules, isWhole: true, inputSeries: [], stepSeconds: 15, steps: 2 }, ['sum(']),
    ).rejects.toThrow('Evaluate rules with promtool')
  })
})
