import { describe, expect, it } from 'vitest'
import { jobRanks, statusRanks } from '../../dashboards/src/words.ts'
import { jobStates } from '../../src/model/job-view.ts'
import { statuses } from '../../src/model/judgement.ts'
import { families, readExpression } from '../alerts/promql.ts'
import { panelsOf, readDashboards } from './dashboard-file.ts'
import { pageOf } from './world.ts'

/** Options of the configuration that few turn on. */
const onRequest = [
  'stream_consumer_read_committed_records_lag',
  'stream_consumer_cold_records',
  'stream_consumer_lag_bytes',
]
/** Said better by others: by the state of a job. */
const notShown = ['stream_job_present']

describe('the dashboards', () => {
  it('show every family that Lagkeeper prints unasked', () => {
    const shown = new Set(
      readDashboards()
        .flatMap(({ dashboard }) => panelsOf(dashboard).flatMap(({ targets }) => targets))
        .flatMap(({ expr }) => readExpression(expr).metrics),
    )

    expect([...families.keys()].filter((name) => !shown.has(name))).toEqual([...onRequest, ...notShown])
  })

  it('rank every status of a consumer as the model does, the worst highest', () => {
    expect(statusRanks.words.flat()).toEqual(statuses)
  })

  it('rank every state of a job once', () => {
    expect(jobRanks.words.flat().sort()).toEqual([...jobStates].sort())
  })
})

describe('the story that they are drawn of', () => {
  it('has every family that Lagkeeper prints unasked', () => {
    const named = new Set(
      [100, 9_000].flatMap((left) => pageOf(1_764_000_000, left, 0)).map((line) => /^\w+/.exec(line)?.[0]),
    )

    expect([...families.keys()].filter((name) => !named.has(name))).toEqual(onRequest)
  })

  it('gives every series the labels of its family', () => {
    const wrong = pageOf(1_764_000_000, 100, 0).filter((line) => {
      const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?/.exec(line) ?? []
      const family = families.get(name)
      const used = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label)
      return family !== undefined && used.some((label) => !family.labels.includes(label))
    })

    expect(wrong).toEqual([])
  })
})
