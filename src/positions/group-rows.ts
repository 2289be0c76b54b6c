import type { GroupColumns } from '../kafka-wire/columns.ts'
import type { DescribeShareGroupOffsetsResponse } from '../kafka-wire/describe-share-group-offsets.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import type { OffsetFetchResponse } from '../kafka-wire/offset-fetch.ts'
import type { OffsetColumn } from '../model/offsets.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'

/** What a coordinator said of groups, partition by partition, by whichever API. Columns as in a batch. */
export interface GroupRows extends GroupColumns {
  readonly holds: 'position' | 'lag'
  readonly value: OffsetColumn
  /** Leader epoch of the last consumed record; absent where the API tells none. */
  readonly epoch?: Int32Array
  /** The reason code of a row; undefined for one that says nothing and is left out. */
  reasonOf(row: number): number | undefined
}

const UNAUTHORIZED = reasonCode('unauthorized')
const READ_FAILED = reasonCode('read_failed')
const NO_POSITION = reasonCode('no_position')
const UNSUPPORTED = reasonCode('unsupported')

/** Positions that groups committed. */
export function committedRows(answer: OffsetFetchResponse): GroupRows {
  const { groups, topics, blockTopic, blockFirst, partition, offset, epoch, absent, error } = answer
  return {
    holds: 'position',
    ...{ topics, blockTopic, blockFirst, partition, epoch },
    groups: groups.map((group) => ({ ...group, error: group.error || errorOfAll(answer, group.firstBlock) })),
    value: offset,
    reasonOf: (row) => {
      const code = error[row]!
      if (absent[row] === 0) return code === errorCodes.NONE ? KNOWN : errorReason(code)
      if (absent[row] === 2) return READ_FAILED
      return isNothing(code) ? undefined : errorReason(code)
    },
  }
}

/**
 * The lag of share groups, the broker's own figure. A partition without a start offset is one that no member has fetched
 * yet; one with a start and without a lag is of a broker before 4.2, or its state was written by one.
 */
export function shareRows(answer: DescribeShareGroupOffsetsResponse): GroupRows {
  const { groups, topics, blockTopic, blockFirst, partition, lag, lagAbsent, startAbsent, error } = answer
  return {
    holds: 'lag',
    ...{ groups, topics, blockTopic, blockFirst, partition },
    value: lag,
    reasonOf: (row) => {
      if (error[row] !== errorCodes.NONE) return errorReason(error[row]!)
      if (startAbsent[row] === 1) return NO_POSITION
      return lagAbsent[row] === 1 ? UNSUPPORTED : KNOWN
    },
  }
}

/** Errors of a whole group, which before OffsetFetch v2 (Kafka 0.10.2) stand at each of its rows. */
const ofGroup: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
  errorCodes.GROUP_AUTHORIZATION_FAILED,
])

function errorOfAll({ blockFirst, error }: OffsetFetchResponse, firstBlock: number): number {
  const first = error[blockFirst[firstBlock]!] ?? errorCodes.NONE
  return ofGroup.has(first) ? first : errorCodes.NONE
}

/** "There is no commit": no error, or that of brokers before 0.9 for a partition that the group never had. */
function isNothing(code: number): boolean {
  return code === errorCodes.NONE || code === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}

function errorReason(code: number): number {
  return code === errorCodes.TOPIC_AUTHORIZATION_FAILED ? UNAUTHORIZED : READ_FAILED
}
