import { Kafka, logLevel } from 'kafkajs'
import type { GroupPosition } from '../../test/rigs/rig-client.ts'

/** The only client id from which a broker takes records for its internal topics. */
const ADMIN_CLIENT = '__admin_client'

/**
 * Writes commits as records of the offsets topic, past the coordinator, which would refuse those of a topic that is gone.
 * In the field they come from commits after a delete, from partial deletes and from older brokers. The coordinator knows
 * them after its next start.
 *
 * @see Kafka, OffsetCommitKey version 1 and OffsetCommitValue version 3
 */
export async function writeOrphanedCommits(
  bootstrap: string,
  positions: readonly GroupPosition[],
  offsetsPartitions: number,
): Promise<void> {
  const kafka = new Kafka({ clientId: ADMIN_CLIENT, brokers: [bootstrap], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  try {
    await producer.send({
      topic: '__consumer_offsets',
      acks: -1,
      messages: positions.map(({ group, topic, partition, offset }) => ({
        partition: Math.abs(javaHash(group)) % offsetsPartitions,
        key: Buffer.concat([int16(1), text(group), text(topic), int32(partition)]),
        value: Buffer.concat([int16(3), int64(offset), int32(-1), text(''), int64(BigInt(Date.now()))]),
      })),
    })
  } finally {
    await producer.disconnect()
  }
}

/** String.hashCode of Java, which chooses the partition of a group. */
function javaHash(value: string): number {
  let hash = 0
  for (let index = 0; index < value.length; index++) hash = (Math.imul(31, hash) + value.charCodeAt(index)) | 0
  return hash
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}
