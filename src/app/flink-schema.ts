import { z } from 'zod'
import { duration } from '../config/duration.ts'
import { hints } from '../config/hints.ts'
import { besideOthers, distinct, member } from '../config/rules.ts'
import { text } from '../config/text-options.ts'
import { nameForm, nameRule } from './cluster-name.ts'
import { jobOptions } from './job-rules.ts'
import { reporterPortsOption, restUrl } from './reporter-ports-option.ts'
import { tlsClient } from './tls-client.ts'

/** What every way to find Flink jobs has in common. */
export const flinkClusterOptions = {
  name: text(nameRule, nameForm).describe(
    'Name of the Flink cluster: the label `flink_cluster`, and the namespace of its targets. Unique in `flink` and `yarn` together.',
  ),
  reporter_ports: reporterPortsOption()
    .optional()
    .describe(
      "Ports that the processes' Prometheus reporters may have; without it those in the configuration of the JobManager.",
    ),
  kafka_cluster: text(nameRule, nameForm)
    .optional()
    .describe('Which entry of `kafka` the jobs read; without it the only one there is.'),
  kafka_clusters: z
    .record(z.string(), text(nameRule, nameForm))
    .prefault({})
    .describe('For jobs with a DynamicKafkaSource: its names of Kafka clusters, and which entry of `kafka` each is.'),
  zone: text('1 to 63 letters, digits, ".", "_" or "-"', nameForm)
    .prefault('default')
    .describe('Network in which the addresses of the processes mean what they say.'),
  interval: duration('1s', '5m').prefault('10s').describe('Time between two looks.'),
  request_timeout: duration('100ms', '1m').prefault('5s').describe('Longest wait for one answer.'),
  ...jobOptions,
} as const

const rest = z
  .preprocess(
    (value) => (typeof value === 'string' ? [value] : value),
    restUrl('http://jobmanager:8081').array().min(1),
  )
  .register(hints, { expected: 'a URL such as "http://jobmanager:8081", or a list of them' })

const flinkClusterSchema = z.strictObject({
  ...flinkClusterOptions,
  rest: rest.describe(
    'REST of the JobManager, or of all JobManagers; a name that stands for several addresses is all of them.',
  ),
  tls: tlsClient.optional().describe('For `https`; `{}` is enough when the certificates are publicly trusted.'),
})

export const flinkSchema = z.array(flinkClusterSchema).superRefine(distinct('name'), besideOthers)

export type FlinkConfig = z.output<typeof flinkClusterSchema>

/** A rule for the whole configuration: names are unique over both blocks, and the Kafka clusters exist. */
export function flinkClustersFit(value: unknown, context: z.core.$RefinementCtx): void {
  const kafka = entriesOf(member(value, 'kafka')).map((entry) => member(entry, 'name'))
  const seen = new Set<unknown>()
  for (const block of ['flink', 'yarn'] as const) {
    for (const [index, entry] of entriesOf(member(value, block)).entries()) {
      const own = member(entry, 'name')
      if (block === 'yarn' && own !== undefined && seen.has(own))
        context.addIssue({
          code: 'custom',
          path: [block, index, 'name'],
          message: 'given in "flink" too, expected a name of its own',
        })
      if (block === 'flink') seen.add(own)
      for (const { path, named } of kafkaNamesOf(entry))
        if (!kafka.includes(named))
          context.addIssue({
            code: 'custom',
            path: [block, index, ...path],
            message: `expected the name of an entry of "kafka"`,
          })
    }
  }
}

function kafkaNamesOf(entry: unknown): readonly { readonly path: readonly string[]; readonly named: unknown }[] {
  const one = member(entry, 'kafka_cluster')
  const more = member(entry, 'kafka_clusters')
  const mapped = typeof more === 'object' && more !== null ? Object.entries(more) : []
  return [
    ...(one === undefined ? [] : [{ path: ['kafka_cluster'], named: one }]),
    ...mapped.map(([label, named]: [string, unknown]) => ({ path: ['kafka_clusters', label], named })),
  ]
}

function entriesOf(block: unknown): readonly unknown[] {
  return Array.isArray(block) ? block : []
}

/**
 * Which Kafka cluster a job of a Flink cluster means; undefined when that is not configured. `label` is a DynamicKafkaSource's
 * own name of it: unless it is mapped, or is a name of ours, nobody knows which one that is.
 */
export function kafkaClusterOf(
  { kafka_cluster: one, kafka_clusters: more }: Pick<FlinkConfig, 'kafka_cluster' | 'kafka_clusters'>,
  label: string | undefined,
  configured: readonly string[],
): string | undefined {
  if (label === undefined) return one ?? (configured.length === 1 ? configured[0] : undefined)
  if (Object.hasOwn(more, label)) return more[label]
  return configured.includes(label) ? label : undefined
}
