import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeOffsetForLeaderEpochResponse,
  encodeOffsetForLeaderEpochRequest,
} from '../kafka-wire/offset-for-leader-epoch.ts'
import type { Catalog } from '../model/catalog.ts'
import { offsetAt } from '../model/offsets.ts'
import type { KafkaCluster } from './cluster.ts'

export interface EpochQuestion {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
}

/**
 * Where the leader's log of an epoch ends (KIP-101, KIP-320), by `questionKey`. What cannot be answered is left out: the
 * answer only refines a reason.
 */
export async function readEpochEnds(
  cluster: KafkaCluster,
  catalog: Catalog,
  questions: readonly EpochQuestion[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, bigint>> {
  const byBroker = new Map<number, EpochQuestion[]>()
  for (const question of questions) {
    const topic = catalog.topics[catalog.topicIndex.get(question.topic) ?? -1]
    if (topic === undefined || question.partition >= topic.partitions) continue
    const leader = catalog.leader[topic.firstRow + question.partition]!
    const asked = byBroker.get(leader) ?? []
    byBroker.set(leader, asked)
    // One question a partition: the answer does not repeat the epoch that was asked about. Others have their turn later.
    if (!asked.some((one) => one.topic === question.topic && one.partition === question.partition)) asked.push(question)
  }
  const ends = new Map<string, bigint>()
  await Promise.all(
    [...byBroker].map(async ([broker, asked]) => {
      const epochOf = new Map(asked.map((question) => [`${question.topic}\n${question.partition}`, question.epoch]))
      const topics = [...new Set(asked.map(({ topic }) => topic))].map((name) => {
        const mine = asked.filter(({ topic }) => topic === name)
        return {
          name,
          partitions: mine.map(({ partition }) => partition),
          leaderEpochs: mine.map(({ epoch }) => epoch),
        }
      })
      try {
        const { value } = await cluster.ask(
          broker,
          {
            api: apis.OffsetForLeaderEpoch,
            encode: (version) => encodeOffsetForLeaderEpochRequest(version, { topics }),
            decode: decodeOffsetForLeaderEpochResponse,
          },
          signal,
        )
        for (const [index, topic] of value.topics.entries())
          for (let row = value.topicFirst[index]!; row < value.topicFirst[index + 1]!; row++) {
            const partition = value.partition[row]!
            const epoch = epochOf.get(`${topic}\n${partition}`)
            if (value.error[row] !== errorCodes.NONE || value.absent[row] === 1 || epoch === undefined) continue
            ends.set(questionKey({ topic, partition, epoch }), offsetAt(value.endOffset, row))
          }
      } catch (error) {
        if (signal.aborted) throw error
      }
    }),
  )
  return ends
}

export function questionKey({ topic, partition, epoch }: EpochQuestion): string {
  return `${topic}\n${partition}\n${epoch}`
}
