import type { Catalog } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import { difference, type OffsetColumn } from '../model/offsets.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'
import { type BlockViews, isFresh, type KnownNumbers, type LogViews, type SnapshotPart } from '../model/snapshot.ts'

export interface ViewInput {
  readonly catalog: Catalog
  readonly starts: LogOffsetColumn
  readonly ends: LogOffsetColumn
  readonly views: LogViews
  readonly noPosition: (consumer: string) => NoPositionPolicy
}

/** No row of the batch: all records of the log count. */
const FROM_START = -1
const NO_POSITION = reasonCode('no_position')

/**
 * What a view makes of one partition: `log` is its row in the catalog, `row` that in the batch or `FROM_START`, `records`
 * the lag. Undefined when not known.
 */
type Measure = (log: number, row: number, records: number) => number | undefined

/**
 * The part with the views that its snapshot has the numbers for. The broker's own lag of a share group has no position
 * to start from, so that it has no views. Yields between them, for others to run.
 */
export function* withViews(part: SnapshotPart, input: ViewInput): Generator<void, SnapshotPart> {
  const { stable, local, recordBytes } = input.views
  const isWanted = stable !== undefined || local !== undefined || recordBytes !== undefined
  if (!isWanted || part.batch.holds !== 'position') return part
  const past = pastOffset(part, input.starts)
  /** Both are compared with the same moment of the log: what came after its end was read is not in the lag either. */
  const upTo =
    (column: LogOffsetColumn): Measure =>
    (log, row, records) =>
      column.reason[log] === KNOWN ? Math.max(0, Math.min(records, past(column.offset, log, row))) : undefined
  const readCommitted = stable && sum(part, input, upTo(stable))
  yield
  const coldRecords = local && sum(part, input, upTo(local))
  yield
  const lagBytes = recordBytes && sum(part, input, bytesOf(recordBytes))
  const views: BlockViews = {
    ...(readCommitted === undefined ? {} : { readCommitted }),
    ...(coldRecords === undefined ? {} : { coldRecords }),
    ...(lagBytes === undefined ? {} : { lagBytes }),
  }
  return { ...part, views }
}

function bytesOf({ value, known }: KnownNumbers): Measure {
  return (log, _, records) => {
    if (records === 0) return 0
    return known[log] === 1 ? records * value[log]! : undefined
  }
}

/** An offset of a log less the larger of position and log start. */
function pastOffset(
  { batch }: SnapshotPart,
  starts: LogOffsetColumn,
): (column: OffsetColumn, log: number, row: number) => number {
  return (column, log, row) => {
    const fromStart = difference(column, log, starts.offset, log)
    return row === FROM_START ? fromStart : Math.min(fromStart, difference(column, log, batch.value, row))
  }
}

/** Adds a measure up over the rows of each block, by the rules of the sum of the lag, but that held rows do not count. */
function sum(part: SnapshotPart, input: ViewInput, measure: Measure): KnownNumbers {
  const { batch, reason, lag, catalogTopic } = part
  const blocks = batch.blockConsumer.length
  const value = new Float64Array(blocks)
  const known = new Uint8Array(blocks)
  for (let block = 0; block < blocks; block++) {
    const topic = input.catalog.topics[catalogTopic[batch.blockTopic[block]!]!]
    if (topic === undefined) continue
    let policy: NoPositionPolicy | undefined
    let total: number | undefined = 0
    for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]! && total !== undefined; row++) {
      const log = topic.firstRow + batch.partition[row]!
      let one: number | undefined
      if (isFresh(part, row)) one = batch.reason[row] === KNOWN ? measure(log, row, lag[row]!) : 0
      else if (reason[row] === NO_POSITION) {
        policy ??= input.noPosition(batch.consumers[batch.blockConsumer[block]!]!.name)
        if (policy === 'start') one = measure(log, FROM_START, logLength(input, log))
        else if (policy !== 'void') one = 0
      }
      total = one === undefined ? undefined : total + one
    }
    if (total === undefined) continue
    value[block] = total
    known[block] = 1
  }
  return { value, known }
}

function logLength({ starts, ends }: ViewInput, log: number): number {
  return difference(ends.offset, log, starts.offset, log)
}

/**
 * Mean bytes of a record of each log, holes that compaction left included: the size on the leader's disk by the number
 * of offsets there. With remote storage only what is local is on the disk, so where its start is known it counts from
 * there.
 */
export function recordBytes(
  bytes: KnownNumbers,
  starts: LogOffsetColumn,
  ends: LogOffsetColumn,
  local: LogOffsetColumn | undefined,
): KnownNumbers {
  const rows = bytes.value.length
  const value = new Float64Array(rows)
  const known = new Uint8Array(rows)
  for (let log = 0; log < rows; log++) {
    if (bytes.known[log] === 0 || (starts.reason[log]! | ends.reason[log]!) !== KNOWN) continue
    const fromStart = difference(ends.offset, log, starts.offset, log)
    const fromLocal =
      local?.reason[log] === KNOWN ? difference(ends.offset, log, local.offset, log) : Number.POSITIVE_INFINITY
    const offsets = Math.min(fromStart, fromLocal)
    if (offsets <= 0) continue
    value[log] = bytes.value[log]! / offsets
    known[log] = 1
  }
  return { value, known }
}
