import { z } from 'zod'
import { hostPorts } from '../config/address.ts'
import { duration } from '../config/duration.ts'
import { pattern } from '../config/pattern.ts'
import { besideOthers, distinct } from '../config/rules.ts'
import { text } from '../config/text-options.ts'
import { granularities } from '../exposition/granularity.ts'
import { nameForm, nameRule } from './cluster-name.ts'
import { kafkaSaslSchema } from './kafka-sasl-schema.ts'
import { kafkaGroupNames, kafkaZookeeperSchema } from './kafka-zookeeper-schema.ts'
import { tlsClient } from './tls-client.ts'

const consumerRule = z.strictObject({
  match: pattern().describe('Consumers that the rule is for, by group id.'),
  granularity: z
    .enum(granularities)
    .prefault('partition')
    .describe(
      'How finely their series are printed: with partitions, with topics, or as totals (`consumer`). Sums, API and console have everything all the same.',
    ),
  no_position: z
    .enum(['ignore', 'start', 'end', 'void'])
    .prefault('ignore')
    .describe(
      'What a partition without a position adds to the sums: nothing (`ignore`), all its records (`start`), nothing because the consumer starts at the end (`end`), or the sum is unknown (`void`).',
    ),
})

const topics = z.strictObject({
  include: pattern().array().min(1).prefault(['.*']).describe('Topics to read: one of the patterns must match.'),
  exclude: pattern().array().prefault([]).describe('Topics to leave out, even when `include` has them.'),
})

const views = z.strictObject({
  read_committed: z
    .boolean()
    .prefault(false)
    .describe(
      '`true` prints `stream_consumer_read_committed_records_lag` beside the lag, against the last stable offset: one more request a broker in every cycle. It also shows on which topics transactions are open, where a lag of 1 that stands still is `control_records_suspected`.',
    ),
  control_records: z
    .boolean()
    .prefault(false)
    .describe(
      '`true` looks at what is left to read where a lag of at most 16 stands still, by Fetch of a few kB and 200 partitions a cycle at most: when only ends of transactions are left, the lag is 0 with the reason `control_records`. Needs the right to READ the topics.',
    ),
  cold_records: z
    .boolean()
    .prefault(false)
    .describe(
      '`true` prints `stream_consumer_cold_records`, the part of the lag that is in remote storage only (tiered storage): one more request a broker in every fourth cycle.',
    ),
  lag_bytes: z
    .boolean()
    .prefault(false)
    .describe(
      '`true` prints `stream_consumer_lag_bytes`, an estimate from the sizes of the logs: two more requests a broker in every fourth cycle. Needs the right to DESCRIBE the cluster.',
    ),
})

const timeLag = z.strictObject({
  look_ups: z
    .int()
    .min(0)
    .max(10_000)
    .prefault(600)
    .describe(
      'Positions of which the log is asked in a cycle when their record was appended, where the history of log ends does not reach back: three requests a broker at most, and one while more positions wait. 0 asks for none.',
    ),
  read_records: z
    .boolean()
    .prefault(false)
    .describe(
      '`true` reads the records at these positions, by Fetch of a few kB, for their own timestamps. Needs the right to READ the topics.',
    ),
  cold_records: z
    .boolean()
    .prefault(false)
    .describe('`true` asks also for positions in remote storage (tiered storage), which has to be read for that.'),
})

const kafkaClusterSchema = z.strictObject({
  name: text(nameRule, nameForm).describe('Name of the cluster: the label `kafka_cluster` of its series. Unique.'),
  bootstrap: hostPorts().describe('Brokers to ask first; the others are learned from them.'),
  interval: duration('1s', '1h')
    .optional()
    .describe('Time between two cycles of this cluster, in place of `interval`.'),
  request_timeout: duration('100ms', '5m')
    .prefault('5s')
    .describe('Longest wait for a connection to a broker, and for an answer.'),
  tls: tlsClient.optional().describe('Connect with TLS. `{}` is enough when the certificates are publicly trusted.'),
  sasl: kafkaSaslSchema.optional().describe('Authenticate with SASL.'),
  consumers: consumerRule
    .array()
    .min(1)
    .prefault([{ match: '.*' }])
    .describe(
      'Which consumers to read, and how: the first rule that matches counts; without one a consumer is left out.',
    ),
  topics: topics.prefault({}).describe('Which topics to read.'),
  groups: kafkaGroupNames,
  zookeeper: kafkaZookeeperSchema
    .optional()
    .describe(
      'Also reads the offsets that old consumers (Kafka 0.8 to 1.1) keep in ZooKeeper. Nothing is ever written there.',
    ),
  views: views
    .prefault({})
    .describe('Further looks at the lag, each at the price of some requests; the lag itself stays what it is.'),
  time_lag: timeLag.prefault({}).describe('How the time lag is found out beyond the history of log ends.'),
  internal_topics: z
    .boolean()
    .prefault(false)
    .describe('`true` also reads the topics that Kafka keeps for itself, such as `__consumer_offsets`.'),
})

/** A Kafka cluster as configured; `interval` is that of the file when it has none of its own. */
export type KafkaClusterConfig = Omit<z.output<typeof kafkaClusterSchema>, 'interval'> & { readonly interval: number }

export const kafkaSchema = kafkaClusterSchema.array().min(1).superRefine(distinct('name'), besideOthers)
