import { describe, expect, it } from 'vitest'
import { pageRules } from '../../src/app/exposition-schema.ts'
import { configSchema } from '../../src/app/schema.ts'

function rulesOf(config: unknown): ReturnType<typeof pageRules> {
  return pageRules(configSchema.parse(config))
}

describe('pageRules()', () => {
  it('prints our own names with partitions, up to generous limits, when nothing is said', () => {
    expect(rulesOf({ kafka: [{ name: 'main', bootstrap: ['b:1'] }] })).toEqual({
      tables: ['lagkeeper'],
      limits: { perKafkaCluster: 3_000_000, perPage: 5_000_000 },
    })
  })

  it('takes the names of other exporters once, and the limits', () => {
    const { tables, limits } = rulesOf({
      exposition: {
        compat: ['kafka_lag_exporter', 'kafka_exporter', 'kafka_lag_exporter'],
        max_series: 2000,
        max_series_per_kafka_cluster: 1000,
      },
    })

    expect(tables).toEqual(['lagkeeper', 'kafka_lag_exporter', 'kafka_exporter'])
    expect(limits).toEqual({ perKafkaCluster: 1000, perPage: 2000 })
  })

  it('gives each consumer the granularity of the first rule that matches, cluster by cluster', () => {
    const { granularity } = rulesOf({
      kafka: [
        {
          name: 'main',
          bootstrap: ['b:1'],
          consumers: [
            { match: 'console-consumer-.*', granularity: 'consumer' },
            { match: '.*-batch', granularity: 'topic' },
            { match: '.*' },
          ],
        },
        { name: 'plain', bootstrap: ['b:1'] },
      ],
    })

    const names = ['console-consumer-1-batch', 'nightly-batch', 'orders']
    expect(names.map((name) => granularity?.('main', name))).toEqual(['consumer', 'topic', 'partition'])
    expect(names.map((name) => granularity?.('plain', name))).toEqual(['partition', 'partition', 'partition'])
  })
})
