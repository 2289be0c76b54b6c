import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Sample } from './page.ts'

const lagNames = z.strictObject({ name: z.string(), group: z.string(), topic: z.string(), partition: z.string() })
const topicNames = z.strictObject({ name: z.string(), group: z.string(), topic: z.string() })
const groupNames = z.strictObject({ name: z.string(), group: z.string() })
const reasonNames = z.strictObject({
  name: z.string(),
  group: z.string(),
  topic: z.string(),
  reason: z.string(),
  /** Values of the label `reason` that say that a lag is there. */
  known: z.array(z.string()),
})

const nameSet = z.strictObject({
  /** The lag of one partition: the metric, and its labels. */
  lag: lagNames,
  topicSum: topicNames.optional(),
  groupSum: groupNames.optional(),
  /** Counts partitions whose lag is missing, by reason. */
  reasons: reasonNames.optional(),
  /** How the empty group id is written. Default: empty. */
  emptyGroup: z.string().optional(),
})

/** How an exporter names what it prints. */
export type NameSet = z.infer<typeof nameSet>

/** The names of known exporters, as their documentation and their pages have them. */
export const nameSets: Readonly<Record<string, NameSet>> = {
  lagkeeper: {
    lag: { name: 'stream_consumer_records_lag', group: 'consumer', topic: 'topic', partition: 'partition' },
    topicSum: { name: 'stream_consumer_topic_records_lag', group: 'consumer', topic: 'topic' },
    groupSum: { name: 'stream_consumer_total_records_lag', group: 'consumer' },
    reasons: {
      name: 'stream_consumer_partitions',
      group: 'consumer',
      topic: 'topic',
      reason: 'state',
      known: ['known', 'held'],
    },
    emptyGroup: '(empty)',
  },
  kafka_exporter: {
    lag: { name: 'kafka_consumergroup_lag', group: 'consumergroup', topic: 'topic', partition: 'partition' },
    topicSum: { name: 'kafka_consumergroup_lag_sum', group: 'consumergroup', topic: 'topic' },
  },
  kminion: {
    lag: {
      name: 'kminion_kafka_consumer_group_topic_partition_lag',
      group: 'group_id',
      topic: 'topic_name',
      partition: 'partition_id',
    },
    topicSum: { name: 'kminion_kafka_consumer_group_topic_lag', group: 'group_id', topic: 'topic_name' },
  },
  burrow: {
    lag: {
      name: 'burrow_kafka_consumer_partition_lag',
      group: 'consumer_group',
      topic: 'topic',
      partition: 'partition',
    },
    groupSum: { name: 'burrow_kafka_consumer_lag_total', group: 'consumer_group' },
  },
  klag_exporter: lagExporterFamily('kafka'),
  kafka_lag_exporter: lagExporterFamily('kafka'),
  k3a: {
    lag: { name: 'k3a_consumergroup_group_lag', group: 'group', topic: 'topic', partition: 'partition' },
  },
  klag: {
    lag: { name: 'klag_consumer_lag', group: 'consumer_group', topic: 'topic', partition: 'partition' },
  },
}

function lagExporterFamily(prefix: string): NameSet {
  return {
    lag: { name: `${prefix}_consumergroup_group_lag`, group: 'group', topic: 'topic', partition: 'partition' },
    topicSum: { name: `${prefix}_consumergroup_group_topic_sum_lag`, group: 'group', topic: 'topic' },
    groupSum: { name: `${prefix}_consumergroup_group_sum_lag`, group: 'group' },
  }
}

/** A name of the table, or the path of a JSON file of the same shape. @throws Error when it is neither */
export async function findNameSet(name: string): Promise<NameSet> {
  const known = nameSets[name]
  if (known !== undefined) return known
  if (!name.endsWith('.json'))
    throw new Error(`Names "${name}": unknown, expected ${Object.keys(nameSets).join(', ')} or a file *.json`)
  const parsed = nameSet.safeParse(JSON.parse(await readFile(name, 'utf8')))
  if (!parsed.success) throw new Error(`Names "${name}": ${z.prettifyError(parsed.error)}`)
  return parsed.data
}

/** A lag, or a sum of lags, as printed. */
export interface Printed {
  readonly group: string
  /** Empty for the sum of a group. */
  readonly topic: string
  /** Undefined for sums. */
  readonly partition: number | undefined
  readonly value: string
}

/** What one page says about lag. */
export interface PrintedPage {
  readonly lags: readonly Printed[]
  readonly sums: readonly Printed[]
  /** Partitions whose lag is missing for a reason, by `groupTopic`; undefined when this exporter gives no reasons. */
  readonly reasons: ReadonlyMap<string, Readonly<Record<string, number>>> | undefined
}

/** The part of a page that is about lag, in the words of Kafka. */
export function readPrinted(samples: readonly Sample[], names: NameSet): PrintedPage {
  const { lag, topicSum, groupSum, reasons } = names
  const groupOf = (label: string | undefined): string => (label === names.emptyGroup ? '' : (label ?? ''))
  const lags: Printed[] = []
  const sums: Printed[] = []
  const missing = new Map<string, Record<string, number>>()
  for (const { name, labels, value } of samples) {
    if (name === lag.name) {
      const partition = Number(labels[lag.partition])
      lags.push({ group: groupOf(labels[lag.group]), topic: labels[lag.topic] ?? '', partition, value })
    }
    if (name === topicSum?.name)
      sums.push({
        group: groupOf(labels[topicSum.group]),
        topic: labels[topicSum.topic] ?? '',
        partition: undefined,
        value,
      })
    if (name === groupSum?.name)
      sums.push({ group: groupOf(labels[groupSum.group]), topic: '', partition: undefined, value })
    const reason = labels[reasons?.reason ?? '']
    if (name === reasons?.name && reason !== undefined && !reasons.known.includes(reason)) {
      const key = groupTopic(groupOf(labels[reasons.group]), labels[reasons.topic] ?? '')
      missing.set(key, { ...missing.get(key), [reason]: Number(value) })
    }
  }
  return { lags, sums, reasons: reasons === undefined ? undefined : missing }
}

/** A key; topics have no slash. */
export function groupTopic(group: string, topic: string): string {
  return `${topic}/${group}`
}
