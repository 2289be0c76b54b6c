import type { KafkaCluster } from '../kafka/cluster.ts'
import type { Exchange } from '../kafka/raw-connection.ts'
import { type Api, apis } from '../kafka-wire/apis.ts'
import {
  type DescribeShareGroupOffsetsResponse,
  decodeDescribeShareGroupOffsetsResponse,
  encodeDescribeShareGroupOffsetsRequest,
} from '../kafka-wire/describe-share-group-offsets.ts'
import {
  decodeOffsetFetchResponse,
  encodeOffsetFetchRequest,
  type OffsetFetchResponse,
  type TopicPartitions,
} from '../kafka-wire/offset-fetch.ts'
import type { Evidence } from '../model/evidence.ts'
import { DecodeError } from '../runtime/errors.ts'
import { committedRows, type GroupRows, shareRows } from './group-rows.ts'

/** First version of OffsetFetch that can ask for "all topics of the group" (Kafka 0.10.2). */
export const ALL_TOPICS = 2
/** First version of OffsetFetch that takes many groups in one request (KIP-709, Kafka 3.0). */
const MANY_GROUPS = 8
/** How many requests of one group each are on the way to a broker at a time. */
const IN_FLIGHT = 16
/** Expected answer of one request: decoded in one go, so it is kept to some 20 ms. */
const ANSWER_BYTES = 4 << 20
/** What a row takes on the wire, with some metadata. */
const ROW_BYTES = 40
/** What a group is taken for until its first answer. */
const UNKNOWN_ROWS = 100

/** Answers about groups, and the groups that got none. */
export interface GroupAnswers {
  readonly answers: readonly {
    readonly ids: readonly string[]
    readonly rows: GroupRows
    readonly evidence: Evidence
  }[]
  readonly failed: readonly { readonly ids: readonly string[]; readonly error: unknown }[]
}

export interface GroupReader {
  readonly api: Api
  /**
   * Asks the coordinator of groups about all their partitions: many groups in one request where the broker can, in
   * answers of about 4 MiB. An answer that was too long halves what is asked for, from then on. Rejects only on abort.
   *
   * @param everything what to name for brokers before 0.10.2, which cannot be asked for all topics
   */
  read(
    coordinator: number,
    ids: readonly string[],
    everything: () => readonly TopicPartitions[],
    signal: AbortSignal,
  ): Promise<GroupAnswers>
}

/** Positions that groups committed. */
export function createCommitReader(cluster: KafkaCluster): GroupReader {
  return createGroupReader<OffsetFetchResponse>(cluster, {
    api: apis.OffsetFetch,
    manyFrom: MANY_GROUPS,
    exchange: (ids, everything) => ({
      api: apis.OffsetFetch,
      encode: (version) =>
        encodeOffsetFetchRequest(version, {
          groups: ids.map((id) => (version < ALL_TOPICS ? { id, topics: everything() } : { id })),
        }),
      decode: (version, body) => decodeOffsetFetchResponse(version, body, ids[0]),
    }),
    rows: committedRows,
  })
}

/** The lag of share groups (KIP-932). */
export function createShareReader(cluster: KafkaCluster): GroupReader {
  return createGroupReader<DescribeShareGroupOffsetsResponse>(cluster, {
    api: apis.DescribeShareGroupOffsets,
    manyFrom: 0,
    exchange: (ids) => ({
      api: apis.DescribeShareGroupOffsets,
      encode: (version) => encodeDescribeShareGroupOffsetsRequest(version, { groups: ids }),
      decode: decodeDescribeShareGroupOffsetsResponse,
    }),
    rows: shareRows,
  })
}

interface Reading<Response> {
  readonly api: Api
  /** The first version that takes many groups in one request. */
  readonly manyFrom: number
  exchange(ids: readonly string[], everything: () => readonly TopicPartitions[]): Exchange<Response>
  rows(response: Response): GroupRows
}

function createGroupReader<Response>(cluster: KafkaCluster, reading: Reading<Response>): GroupReader {
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
  ): Promise<GroupAnswers> {
    try {
      const { value, evidence } = await cluster.ask(coordinator, reading.exchange(ids, everything), signal)
      const rows = reading.rows(value)
      for (const group of rows.groups) rowsOf.set(group.id, rowCount(rows, group))
      return { answers: [{ ids, rows, evidence }], failed: [] }
    } catch (error) {
      if (signal.aborted) throw error
      if (!(error instanceof DecodeError && error.tooLong) || ids.length === 1)
        return { answers: [], failed: [{ ids, error }] }
      answerBytes = Math.max(ROW_BYTES, answerBytes / 2)
      const middle = ids.length >> 1
      return joined([
        await ask(coordinator, ids.slice(0, middle), everything, signal),
        await ask(coordinator, ids.slice(middle), everything, signal),
      ])
    }
  }

  return {
    api: reading.api,
    read: async (coordinator, ids, everything, signal) => {
      const takesMany = (cluster.version(coordinator, reading.api) ?? 0) >= reading.manyFrom
      const cut = takesMany ? portions(ids) : ids.map((id) => [id])
      const lanes = takesMany ? 1 : Math.min(IN_FLIGHT, cut.length)
      const done: GroupAnswers[] = []
      const queue = cut.values()
      await Promise.all(
        Array.from({ length: lanes }, async () => {
          for (const portion of queue) done.push(await ask(coordinator, portion, everything, signal))
        }),
      )
      return joined(done)
    },
  }
}

function rowCount(rows: GroupRows, group: { readonly firstBlock: number; readonly blocks: number }): number {
  return rows.blockFirst[group.firstBlock + group.blocks]! - rows.blockFirst[group.firstBlock]!
}

export function joined(parts: readonly GroupAnswers[]): GroupAnswers {
  return { answers: parts.flatMap((part) => part.answers), failed: parts.flatMap((part) => part.failed) }
}
