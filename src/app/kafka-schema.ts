import { z } from 'zod'
import { hostPorts } from '../config/address.ts'
import { duration } from '../config/duration.ts'
import { pattern } from '../config/pattern.ts'
import { besideOthers, distinct } from '../config/rules.ts'
import { secret, text } from '../config/text-options.ts'
import { tlsClient } from './tls-client.ts'

/** Names that become label values, parts of paths and parts of URLs. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const nameRule = '1 to 63 letters, digits, ".", "_" or "-", a letter or digit first'

const sasl = z.strictObject({
  mechanism: z
    .enum(['PLAIN', 'SCRAM-SHA-256'])
    .describe('How to authenticate. `PLAIN` sends the password itself: use it only together with `tls`.'),
  username: text('a user name').describe('User that we authenticate as; it needs the right to DESCRIBE only.'),
  password: secret().describe('Password of the user.'),
})

const consumerRule = z.strictObject({
  match: pattern().describe('Consumers that the rule is for, by group id.'),
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
  sasl: sasl.optional().describe('Authenticate with SASL.'),
  consumers: consumerRule
    .array()
    .min(1)
    .prefault([{ match: '.*' }])
    .describe(
      'Which consumers to read, and how: the first rule that matches counts; without one a consumer is left out.',
    ),
  topics: topics.prefault({}).describe('Which topics to read.'),
  internal_topics: z
    .boolean()
    .prefault(false)
    .describe('`true` also reads the topics that Kafka keeps for itself, such as `__consumer_offsets`.'),
})

/** A Kafka cluster as configured; `interval` is that of the file when it has none of its own. */
export type KafkaClusterConfig = Omit<z.output<typeof kafkaClusterSchema>, 'interval'> & { readonly interval: number }

export const kafkaSchema = kafkaClusterSchema.array().min(1).superRefine(distinct('name'), besideOthers)
