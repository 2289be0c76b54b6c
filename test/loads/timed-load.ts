import { setTimeout as delay } from 'node:timers/promises'
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'

/** When a record was appended: between the moment it was sent and that of its acknowledgement, wall milliseconds. */
interface AppendedAt {
  readonly sent: number
  readonly acked: number
  /** The timestamp that it carries. */
  readonly stamp: number
}

/** How records come. */
export const shapes = ['steady', 'bursty', 'idle', 'compacted', 'disordered', 'transactional'] as const
export type Shape = (typeof shapes)[number]

export interface TimedLoad extends AsyncDisposable {
  /** What is known of the record at an offset; undefined for none of ours, such as the end of a transaction. */
  appended(shape: Shape, partition: number, offset: number): AppendedAt | undefined
  /** The offset behind the last record. */
  end(shape: Shape, partition: number): number
  /** Produces until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

const TICK_MS = 100
/** How late a record of the disordered topic may be. */
const LATE_MS = 30_000

/** Topics named by their shape, into which one producer writes and remembers when. */
export async function createTimedLoad(bootstrap: string, partitions: number): Promise<TimedLoad> {
  const client = new Kafka({ clientId: 'timed-load', brokers: [bootstrap], logLevel: logLevel.NOTHING })
  const [admin, plain] = [client.admin(), client.producer()]
  const transactional = client.producer({ transactionalId: 'timed-load', maxInFlightRequests: 1, idempotent: true })
  await Promise.all([admin.connect(), plain.connect(), transactional.connect()])
  await createTopics(admin, partitions)
  const logs = new Map(
    shapes.map((shape) => [shape, Array.from({ length: partitions }, () => new Map<number, AppendedAt>())]),
  )
  const ends = new Map(shapes.map((shape) => [shape, new Array<number>(partitions).fill(0)]))

  function remember(shape: Shape, partition: number, first: number, stamps: readonly number[], sent: number): void {
    const acked = Date.now()
    const log = logs.get(shape)![partition]!
    for (const [index, stamp] of stamps.entries()) log.set(first + index, { sent, acked, stamp })
    ends.get(shape)![partition] = Math.max(ends.get(shape)![partition]!, first + stamps.length)
  }

  async function write(shape: Shape, partition: number, stamps: readonly number[]): Promise<void> {
    const sent = Date.now()
    const messages = stamps.map((stamp, index) => ({
      partition,
      key: `k${index % 3}`,
      value: 'x'.repeat(100),
      timestamp: String(stamp),
    }))
    if (shape === 'transactional') return transact(transactional, partition, messages, stamps, sent)
    const [answer] = await plain.send({ topic: shape, messages })
    remember(shape, partition, Number(answer?.baseOffset), stamps, sent)
  }

  async function transact(
    producer: Producer,
    partition: number,
    messages: { partition: number; key: string; value: string; timestamp: string }[],
    stamps: readonly number[],
    sent: number,
  ): Promise<void> {
    const transaction = await producer.transaction()
    const [answer] = await transaction.send({ topic: 'transactional', messages })
    remember('transactional', partition, Number(answer?.baseOffset), stamps, sent)
    await transaction.commit()
  }

  return {
    appended: (shape, partition, offset) => logs.get(shape)![partition]!.get(offset),
    end: (shape, partition) => ends.get(shape)![partition]!,
    run: async (signal) => {
      for (let tick = 0; !signal.aborted; tick++) {
        const now = Date.now()
        for (let partition = 0; partition < partitions; partition++)
          for (const shape of shapes) {
            // The first sends of a cold client take long, one after the other.
            const stamps = stampsOf(shape, tick, tick === 0 ? Date.now() : now)
            if (stamps.length > 0) await write(shape, partition, stamps)
          }
        await delay(Math.max(0, TICK_MS - (Date.now() - now)))
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled([admin.disconnect(), plain.disconnect(), transactional.disconnect()])
    },
  }
}

async function createTopics(admin: Admin, numPartitions: number): Promise<void> {
  const compaction = [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'segment.ms', value: '2000' },
    { name: 'min.cleanable.dirty.ratio', value: '0.01' },
  ]
  await admin.createTopics({
    waitForLeaders: true,
    topics: shapes.map((topic) => ({
      topic,
      numPartitions,
      replicationFactor: 1,
      ...(topic === 'compacted' ? { configEntries: compaction } : {}),
    })),
  })
}

/** The timestamps of the records that a topic gets now. */
function stampsOf(shape: Shape, tick: number, now: number): readonly number[] {
  switch (shape) {
    case 'steady':
    case 'compacted':
      return [now]
    case 'bursty':
      return tick % 50 === 0 ? Array.from({ length: 60 }, () => now) : []
    case 'idle':
      return tick < 20 ? [now] : []
    case 'disordered':
      // One in four is late, by up to half a minute.
      return [tick % 4 === 3 ? now - Math.floor(Math.random() * LATE_MS) : now]
    case 'transactional':
      return tick % 10 === 0 ? [now, now, now] : []
  }
}
