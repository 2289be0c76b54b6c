import { z } from 'zod'
import { text } from '../config/text-options.ts'
import { zookeeperSchema } from './zookeeper-schema.ts'

const { connect, auth, sasl, tls } = zookeeperSchema.shape

/** `kafka[].zookeeper`: where the old consumers of a cluster keep their offsets. */
export const kafkaZookeeperSchema = z.strictObject({
  connect: connect.describe(
    'ZooKeeper of the Kafka cluster, as in `zookeeper.connect` of its brokers: servers with commas in between, and the path under which Kafka has its znodes.',
  ),
  auth: auth.describe('Identify to ZooKeeper, where not everybody may read.'),
  sasl,
  tls,
})

/** `kafka[].groups`: what brokers before 0.10.1 do not list. */
export const kafkaGroupNames = text('a group id of at most 32767 characters', /^.{1,32767}$/s)
  .array()
  .prefault([])
  .describe(
    'Groups to read from brokers that do not list them: all of 0.8.2, and those without members before 0.10.1. Newer brokers list them by themselves.',
  )
