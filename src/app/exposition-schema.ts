import { z } from 'zod'
import { compatNames } from '../exposition/compat-tables.ts'
import type { PageRules } from '../http/page.ts'
import { kafkaFilters } from './kafka-filters.ts'
import type { KafkaClusterConfig } from './kafka-schema.ts'

const LEAST = 1_000
const MOST = 1_000_000_000

/** What is on the metrics page. */
export const expositionSchema = z.strictObject({
  compat: z
    .enum(compatNames)
    .array()
    .prefault([])
    .describe(
      'Names of other exporters that `/metrics` has beside our own, so that their dashboards and triggers go on: docs/migrating.md.',
    ),
  max_series_per_kafka_cluster: z
    .int()
    .min(LEAST)
    .max(MOST)
    .prefault(3_000_000)
    .describe(
      'Most series of one Kafka cluster on a page. Past it the largest consumers lose partitions, then topics; `lagkeeper_series_dropped` counts what is left out.',
    ),
  max_series: z
    .int()
    .min(LEAST)
    .max(MOST)
    .prefault(5_000_000)
    .describe('Most series of all Kafka clusters together on a page; the largest clusters give way first.'),
  max_job_series: z
    .int()
    .min(LEAST)
    .max(MOST)
    .prefault(200_000)
    .describe(
      'Most series of Flink jobs on a page, about 35 a job. Past it sources go first, then jobs that are gone; `lagkeeper_job_series_dropped` counts what is left out.',
    ),
})

interface PageConfig {
  readonly exposition: z.output<typeof expositionSchema>
  readonly kafka: readonly KafkaClusterConfig[]
}

/** The rules of pages as the configuration has them; a new object each time, which makes every page anew. */
export function pageRules({ exposition, kafka }: PageConfig): PageRules {
  const byCluster = new Map(
    kafka
      .filter(({ consumers }) => consumers.some(({ granularity }) => granularity !== 'partition'))
      .map((cluster) => [cluster.name, kafkaFilters(cluster).granularity]),
  )
  return {
    tables: ['lagkeeper', ...new Set(exposition.compat)],
    limits: { perKafkaCluster: exposition.max_series_per_kafka_cluster, perPage: exposition.max_series },
    ...(byCluster.size === 0
      ? {}
      : { granularity: (kafkaCluster, consumer) => byCluster.get(kafkaCluster)?.(consumer) ?? 'partition' }),
  }
}
