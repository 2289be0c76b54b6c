import type { KafkaCluster } from '../kafka/cluster.ts'
import type { Answer } from '../kafka/raw-connection.ts'
import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeFindCoordinatorResponse,
  encodeFindCoordinatorRequest,
  GROUP_KEY,
} from '../kafka-wire/find-coordinator.ts'
import {
  decodeOffsetFetchResponse,
  encodeOffsetFetchRequest,
  type OffsetFetchResponse,
  type TopicPartitions,
} from '../kafka-wire/offset-fetch.ts'
import { DecodeError } from '../runtime/errors.ts'

/** First version that takes many groups in one request (KIP-709, Kafka 3.0). */
const MANY_GROUPS = 8
/** First version that can ask for "all topics of the group" (Kafka 0.10.2). */
export const ALL_TOPICS = 2
/** How many requests of one group each are on the way to a broker at a time. */
const IN_FLIGHT = 16
/** Expected answer of one request: decoded in one go, so it is kept to some 20 ms. */
const ANSWER_BYTES = 4 << 20
/** What a row takes on the wire, with some metadata. */
const ROW_BYTES = 40
/** What a group is taken for until its first answer. */
const UNKNOWN_ROWS = 100

/** Answers of OffsetFetch, and the groups that got none. */
export interface FetchedOffsets {
  readonly answers: readonly { readonly ids: readonly string[]; readonly answer: Answer<OffsetFetchResponse> }[]
  readonly failed: readonly { readonly ids: readonly string[]; readonly error: unknown }[]
}

export interface OffsetFetcher {
  /**
   * Fetches the commits of groups from their coordinator: all of them in one request where the broker can, in answers of
   * about 4 MiB. An answer that was too long halves what is asked for, from then on. Rejects only on abort.
   *
   * @param everything what to name for brokers before 0.10.2, which cannot be asked for all topics
   */
  fetch(
    coordinator: number,
    ids: readonly string[],
    everything: () => readonly TopicPartitions[],
    signal: AbortSignal,
  ): Promise<FetchedOffsets>
  /** The coordinators of groups now; groups without one are left out. Only for groups that a broker has listed. */
  locate(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>>
}

export function createOffsetFetcher(cluster: KafkaCluster): OffsetFetcher {
  const rowsOf = new Map<string, number>()
  let answerBytes = ANSWER_BYTES

  /** Cuts a list of groups into requests by the answers that they gave last time. */
  function portions(ids: readonly string[]): string[][] {
    const cut: string[][] = []
    let bytes = Number.POSITIVE_INFINITY
    for (const id of ids) {
      const expected = ROW_BYTES * (1 + (rowsOf.get(id) ?? UNKNOWN_ROWS))
      if (bytes + expected > answerBytes) {
        cut.push([])
        bytes = 0
      }
      bytes += expected
      cut.at(-1)?.push(id)
    }
    return cut
  }

  async function ask(
    coordinator: number,
    ids: readonly string[],
    everything: () => readonly TopicPartitions[],
    signal: AbortSignal,
  ): Promise<FetchedOffsets> {
    try {
      const answer = await cluster.ask(
        coordinator,
        {
          api: apis.OffsetFetch,
          encode: (version) =>
            encodeOffsetFetchRequest(version, {
              groups: ids.map((id) => (version < ALL_TOPICS ? { id, topics: everything() } : { id })),
            }),
          decode: (version, body) => decodeOffsetFetchResponse(version, body, ids[0]),
        },
        signal,
      )
      for (const group of answer.value.groups) rowsOf.set(group.id, rowCount(answer.value, group))
      return { answers: [{ ids, answer }], failed: [] }
    } catch (error) {
      if (signal.aborted) throw error
      if (!(error instanceof DecodeError && error.tooLong) || ids.length === 1)
        return { answers: [], failed: [{ ids, error }] }
      answerBytes = Math.max(ROW_BYTES, answerBytes / 2)
      const middle = ids.length >> 1
      return join([
        await ask(coordinator, ids.slice(0, middle), everything, signal),
        await ask(coordinator, ids.slice(middle), everything, signal),
      ])
    }
  }

  return {
    fetch: async (coordinator, ids, everything, signal) => {
      const version = cluster.version(coordinator, apis.OffsetFetch) ?? 0
      const cut = version >= MANY_GROUPS ? portions(ids) : ids.map((id) => [id])
      const lanes = version >= MANY_GROUPS ? 1 : Math.min(IN_FLIGHT, cut.length)
      const done: FetchedOffsets[] = []
      const queue = cut.values()
      await Promise.all(
        Array.from({ length: lanes }, async () => {
          for (const portion of queue) done.push(await ask(coordinator, portion, everything, signal))
        }),
      )
      return join(done)
    },
    locate: async (ids, signal) => {
      const found = new Map<string, number>()
      const many = cluster.brokers().some((broker) => (cluster.version(broker.id, apis.FindCoordinator) ?? 0) >= 4)
      for (const keys of many ? [ids] : ids.map((id) => [id])) {
        const { value } = await cluster.askAny(
          {
            api: apis.FindCoordinator,
            encode: (version) => encodeFindCoordinatorRequest(version, { keyType: GROUP_KEY, keys }),
            decode: (version, body) => decodeFindCoordinatorResponse(version, body, keys[0]),
          },
          signal,
        )
        for (const one of value.coordinators) if (one.error === errorCodes.NONE) found.set(one.key, one.nodeId)
      }
      return found
    },
  }
}

function rowCount(
  answer: OffsetFetchResponse,
  group: { readonly firstBlock: number; readonly blocks: number },
): number {
  return answer.blockFirst[group.firstBlock + group.blocks]! - answer.blockFirst[group.firstBlock]!
}

function join(parts: readonly FetchedOffsets[]): FetchedOffsets {
  return { answers: parts.flatMap((part) => part.answers), failed: parts.flatMap((part) => part.failed) }
}
