import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { errorCodes, errorName } from '../../src/kafka-wire/error-codes.ts'
import { Reader } from '../../src/kafka-wire/reader.ts'
import { Writer } from '../../src/kafka-wire/writer.ts'
import { openFramedSocket } from '../../src/runtime/framed-socket.ts'
import type { Batch, Position } from './rig-contract.ts'

/** Does to one broker before 0.10.2 what applications did, for no current Java client will talk to it. */
export interface OldKafkaClient extends AsyncDisposable {
  /** Makes topics by asking for them: the broker gives each its `num.partitions`. Settles when all have leaders. */
  createTopics(names: readonly string[]): Promise<void>
  produceMany(batches: readonly Batch[]): Promise<void>
  /** Commits to Kafka without being a member. Fails while the group has members. */
  commit(group: string, positions: readonly Position[]): Promise<void>
  stop(): Promise<void>
}

const PRODUCE = 0
const METADATA = 3
const OFFSET_COMMIT = 8
const FIND_COORDINATOR = 10
const limitMs = 30_000
const againMs = 200

/** What passes by itself: topics and coordinators come into being when they are first asked for. */
const passing: readonly number[] = [
  errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
]

/**
 * Connects to a lone broker, which leads everything. Metadata v0, Produce v0 with message sets of magic 0, FindCoordinator
 * v0 and OffsetCommit v1: all of 0.8.2 to 0.10.0 have them.
 *
 * @see https://kafka.apache.org/082/documentation.html and its protocol guide
 */
export async function connectOldKafka(bootstrap: string): Promise<OldKafkaClient> {
  const [host = '', port = ''] = bootstrap.split(':')
  const waiting: { readonly settle: (frame: Buffer) => void; readonly refuse: (reason: Error) => void }[] = []
  const life = new AbortController()
  let correlation = 0
  const socket = await openFramedSocket({
    host,
    port: Number(port),
    connectTimeoutMs: limitMs,
    maxFrameBytes: 16 << 20,
    signal: life.signal,
    onFrame: (frame) => waiting.shift()?.settle(frame),
    onClose: (reason) => {
      for (const { refuse } of waiting.splice(0)) refuse(reason)
    },
  })

  async function ask(key: number, version: number, write: (body: Writer) => void): Promise<Reader> {
    const writer = new Writer()
    writer.int16(key)
    writer.int16(version)
    writer.int32(correlation++)
    writer.string('rig')
    write(writer)
    const timer = setTimeout(() => socket.destroy(new Error(`Ask API ${key}: no answer in ${limitMs} ms`)), limitMs)
    try {
      const answered = new Promise<Buffer>((settle, refuse) => waiting.push({ settle, refuse }))
      socket.send(writer.finish())
      const reader = new Reader(await answered, `answer of API ${key}`)
      reader.int32()
      return reader
    } finally {
      clearTimeout(timer)
    }
  }

  async function createTopics(names: readonly string[]): Promise<void> {
    await insist('Create topics', async () => {
      const answer = await ask(METADATA, 0, (body) => body.strings(names))
      for (let brokers = answer.int32(); brokers > 0; brokers--) {
        answer.int32()
        answer.string()
        answer.int32()
      }
      const errors: number[] = []
      for (let topics = answer.int32(); topics > 0; topics--) {
        errors.push(answer.int16())
        answer.string()
        for (let partitions = answer.int32(); partitions > 0; partitions--) {
          errors.push(answer.int16())
          answer.take(8)
          answer.int32s()
          answer.int32s()
        }
      }
      return errors
    })
  }

  async function produceMany(batches: readonly Batch[]): Promise<void> {
    for (const { topic, partition, count } of batches)
      await insist(`Produce to ${topic}/${partition}`, async () => {
        const answer = await ask(PRODUCE, 0, (body) => {
          body.int16(-1)
          body.int32(limitMs)
          body.int32(1)
          body.string(topic)
          body.int32(1)
          body.int32(partition)
          body.bytes(messageSet(count))
        })
        answer.int32()
        answer.string()
        answer.int32()
        answer.int32()
        return [answer.int16()]
      })
  }

  async function commit(group: string, positions: readonly Position[]): Promise<void> {
    await insist(`Find the coordinator of ${group}`, async () => [
      (await ask(FIND_COORDINATOR, 0, (body) => body.string(group))).int16(),
    ])
    const topics = byTopic(positions)
    await insist(`Commit to ${group}`, async () => {
      const answer = await ask(OFFSET_COMMIT, 1, (body) => {
        body.string(group)
        body.int32(-1)
        body.string('')
        body.int32(topics.size)
        for (const [topic, of] of topics) {
          body.string(topic)
          body.int32(of.length)
          for (const { partition, offset } of of) {
            body.int32(partition)
            body.int64(offset)
            body.int64(BigInt(Date.now()))
            body.string('')
          }
        }
      })
      const errors: number[] = []
      for (let count = answer.int32(); count > 0; count--) {
        answer.string()
        for (let partitions = answer.int32(); partitions > 0; partitions--) {
          answer.int32()
          errors.push(answer.int16())
        }
      }
      return errors
    })
  }

  const stop = async (): Promise<void> => {
    socket.destroy(new Error('The old client is done'))
    life.abort()
  }
  return { createTopics, produceMany, commit, stop, [Symbol.asyncDispose]: stop }
}

/** Asks again until no error is left, at most half a minute; an error that does not pass is thrown at once. */
async function insist(what: string, attempt: () => Promise<readonly number[]>): Promise<void> {
  const givenUpAt = Date.now() + limitMs
  for (;;) {
    const error = (await attempt()).find((code) => code !== errorCodes.NONE)
    if (error === undefined) return
    if (!passing.includes(error) || Date.now() > givenUpAt) throw new Error(`${what}: ${errorName(error)}`)
    await sleep(againMs)
  }
}

/** Messages of magic 0: CRC, magic, attributes, no key, one byte of value. */
function messageSet(count: number): Buffer {
  const writer = new Writer()
  for (let index = 0; index < count; index++) {
    const message = new Writer()
    message.int8(0)
    message.int8(0)
    message.int32(-1)
    message.bytes(Uint8Array.of(index & 0xff))
    const checked = message.finish()
    writer.int64(0n)
    writer.int32(checked.length + 4)
    writer.int32(crc32(checked) | 0)
    writer.raw(checked)
  }
  return writer.finish()
}

function byTopic(positions: readonly Position[]): ReadonlyMap<string, readonly Position[]> {
  const topics = new Map<string, Position[]>()
  for (const position of positions) {
    const of = topics.get(position.topic)
    if (of === undefined) topics.set(position.topic, [position])
    else of.push(position)
  }
  return topics
}
