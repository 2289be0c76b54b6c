import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeOffsetForLeaderEpochResponse,
  encodeOffsetForLeaderEpochRequest,
} from '../kafka-wire/offset-for-leader-epoch.ts'
import type { Catalog } from '../model/catalog.ts'
import { offsetAt } from '../model/offsets.ts'
import type { KafkaCluster } from './cluster.ts'
import { questionsByLeader } from './leader-plan.ts'

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
  const ends = new Map<string, bigint>()
  await Promise.all(
    [...questionsByLeader(catalog, questions)].map(async ([broker, asked]) => {
      const topics = Array.from(asked, ([name, partitions]) => ({
        name,
        partitions: [...partitions.keys()],
        leaderEpochs: Array.from(partitions.values(), ({ epoch }) => epoch),
      }))
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
            const question = asked.get(topic)?.get(value.partition[row]!)
            if (value.error[row] !== errorCodes.NONE || value.absent[row] === 1 || question === undefined) continue
            ends.set(questionKey(question), offsetAt(value.endOffset, row))
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
