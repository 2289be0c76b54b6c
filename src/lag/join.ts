import type { Catalog } from '../model/catalog.ts'
import { type LogOffsetColumn, NO_ANSWER } from '../model/log-offsets.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import { difference, offsetAt, offsetNumber } from '../model/offsets.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import { isDefinitive, KNOWN, reasonCode, reasonOf } from '../model/reason.ts'
import { isFresh, type SnapshotPart } from '../model/snapshot.ts'
import { alignTopics } from './align.ts'
import { type FormerLives, isOfFormerLife } from './former-lives.ts'
import { createHeldWriter, nothingHeld } from './held-rows.ts'
import { type Previous, previousPosition, previousRow } from './previous.ts'

export interface JoinInput {
  readonly catalog: Catalog
  readonly starts: LogOffsetColumn
  readonly ends: LogOffsetColumn
  /** By catalog topic, from `recreatedTopics`: rows of these whose position did not move are of the topic's former life. */
  readonly recreated: Uint8Array
  /** Positions past the end that lie within one of these are of the topic's former life. */
  readonly former?: FormerLives
  readonly previous: Previous | undefined
  /** Rows of an earlier cycle are shown while they were taken after this moment (monotonic milliseconds). */
  readonly holdSince: number
  readonly noPosition: (consumer: string) => NoPositionPolicy
}

const NO_POSITION = reasonCode('no_position')
const BEYOND = reasonCode('position_beyond_end')
const RECREATED = reasonCode('topic_recreated')
const DELETED = reasonCode('topic_deleted')
const END_UNKNOWN = reasonCode('end_unknown')

/**
 * Joins one batch of positions with the log offsets of its cycle: lag = end − max(position, start), or the reason why
 * there is none. The only place where a lag is computed. Pure; one pass of about 10 ms for 1 M rows, and a second look
 * only at blocks in trouble.
 *
 * A row is unknown when its log end was asked for before its position had arrived: a lag made of such a pair could be
 * of no moment at all (I1).
 */
export function join(batch: PositionBatch, input: JoinInput): SnapshotPart {
  const catalogTopic = alignTopics(batch, input.catalog)
  const rows = batch.partition.length
  const blocks = batch.blockConsumer.length
  const lag = new Float64Array(rows)
  const reason = new Uint8Array(rows)
  const blockLag = new Float64Array(blocks)
  const blockComplete = new Uint8Array(blocks)
  const troubled: number[] = []
  const belowStart: number[] = []
  const askedAfter = endsAskedAfter(input.ends, batch.takenAt)

  const { starts, ends, previous } = input
  const marked = previous === undefined ? none : suspects(previous)
  const isPosition = batch.holds === 'position'
  for (let block = 0; block < blocks; block++) {
    const topicIndex = catalogTopic[batch.blockTopic[block]!]!
    const topic = input.catalog.topics[topicIndex]
    const firstLog = topic?.firstRow ?? -1
    const partitions = topic?.partitions ?? 0
    let sum = 0
    let unknown = 0
    let below = 0
    for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
      const partition = batch.partition[row]!
      const log = partition < partitions ? firstLog + partition : -1
      // Nearly every row is a plain one; the rest goes through the whole table of cases.
      if (isPosition && log >= 0 && (batch.reason[row]! | ends.reason[log]! | starts.reason[log]!) === KNOWN) {
        const fromPosition = difference(ends.offset, log, batch.value, row)
        const fromStart = difference(ends.offset, log, starts.offset, log)
        if (fromPosition >= 0 && fromStart >= 0 && askedAfter[ends.answer[log]!] === 1) {
          let records = fromPosition
          if (fromStart < fromPosition) {
            records = fromStart
            below = 1
          }
          lag[row] = records
          sum += records
          continue
        }
      }
      const why = reasonOfRow(batch, row, input, log, askedAfter)
      reason[row] = why
      if (why === KNOWN) {
        const records = lagOfRow(batch, row, input, log)
        lag[row] = records
        sum += records
      } else unknown++
    }
    blockLag[block] = sum
    blockComplete[block] = 1
    if (below === 1) belowStart.push(block)
    if (
      unknown > 0 ||
      input.recreated[topicIndex] === 1 ||
      (marked.size > 0 && topic !== undefined && marked.has(topic.name))
    )
      troubled.push(block)
  }
  const part: SnapshotPart = {
    batch,
    catalogTopic,
    lag,
    reason,
    held: nothingHeld,
    blockLag,
    blockComplete,
    belowStart,
  }
  return troubled.length === 0 ? part : settle(part, troubled, input)
}

/** The reason code of a row, 0 when its lag can be computed. `log` is its row in the catalog or −1. */
function reasonOfRow(batch: PositionBatch, row: number, input: JoinInput, log: number, askedAfter: Uint8Array): number {
  const own = batch.reason[row]!
  if (own !== KNOWN && own !== NO_POSITION) return own
  if (log < 0) return DELETED
  const { starts, ends } = input
  if (ends.reason[log] !== KNOWN) return ends.reason[log]!
  if (starts.reason[log] !== KNOWN) return starts.reason[log]!
  if (askedAfter[ends.answer[log]!] !== 1) return END_UNKNOWN
  if (batch.holds === 'lag') return own
  const length = difference(ends.offset, log, starts.offset, log)
  if (length < 0) return END_UNKNOWN
  if (own === NO_POSITION) return length === 0 ? KNOWN : NO_POSITION
  return difference(ends.offset, log, batch.value, row) < 0 ? BEYOND : KNOWN
}

function lagOfRow(batch: PositionBatch, row: number, input: JoinInput, log: number): number {
  if (batch.holds === 'lag') return offsetNumber(batch.value, row)
  if (batch.reason[row] === NO_POSITION) return 0
  const fromPosition = difference(input.ends.offset, log, batch.value, row)
  const fromStart = difference(input.ends.offset, log, input.starts.offset, log)
  return Math.min(fromPosition, fromStart)
}

/** By answer: 1 when the request for log ends was sent after the positions had arrived. */
function endsAskedAfter(ends: LogOffsetColumn, takenAt: number): Uint8Array {
  const asked = new Uint8Array(NO_ANSWER + 1)
  for (const [index, evidence] of ends.evidence.entries()) if (evidence.sentAt >= takenAt) asked[index] = 1
  return asked
}

const none: ReadonlySet<string> = new Set()

const suspectsOf = new WeakMap<Previous, ReadonlySet<string>>()

/** Topics of which the earlier snapshot has rows marked as recreated: the mark stays until the position moves. */
function suspects(previous: Previous): ReadonlySet<string> {
  const known = suspectsOf.get(previous)
  if (known !== undefined) return known
  const found = new Set<string>()
  for (const { batch, reason } of previous.snapshot.parts) {
    if (!reason.includes(RECREATED)) continue
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const rows = reason.subarray(batch.blockFirst[block]!, batch.blockFirst[block + 1]!)
      if (rows.includes(RECREATED)) found.add(batch.topics[batch.blockTopic[block]!]!.name)
    }
  }
  suspectsOf.set(previous, found)
  return found
}

/** The second look: rows of a topic's former life, rows of an earlier cycle that stay, and the sums of these blocks. */
function settle(part: SnapshotPart, blocks: readonly number[], input: JoinInput): SnapshotPart {
  const { batch, reason, lag, blockLag, blockComplete } = part
  const held = createHeldWriter()
  for (const block of blocks) {
    const consumer = batch.consumers[batch.blockConsumer[block]!]!.name
    const topicName = batch.topics[batch.blockTopic[block]!]!.name
    const found = input.previous?.block(consumer, topicName)
    // A group that was deleted and made anew as a share group has nothing in common with its earlier rows.
    const before = found?.part.batch.holds === batch.holds ? found : undefined
    const recreated = input.recreated[part.catalogTopic[batch.blockTopic[block]!]!] === 1
    const life = input.former?.get(topicName)
    const policy = input.noPosition(consumer)
    let sum = 0
    let complete = true
    const first = batch.blockFirst[block]!
    for (let row = first; row < batch.blockFirst[block + 1]!; row++) {
      const then = before === undefined ? -1 : previousRow(before, batch.partition[row]!, row - first)
      // A broker keeps the state of share groups by topic id: the lag that it tells is never of a topic's former life.
      const mayBeOld = batch.holds === 'position' && (reason[row] === KNOWN || reason[row] === BEYOND)
      if (before !== undefined && then >= 0 && mayBeOld) {
        const marked = recreated || before.part.reason[then] === RECREATED
        if (marked && batch.reason[row] === KNOWN && previousPosition(before, then) === offsetAt(batch.value, row))
          reason[row] = RECREATED
      }
      if (reason[row] === BEYOND && (recreated || isOfFormerLife(life, batch.partition[row]!, batch.value, row)))
        reason[row] = RECREATED
      if (isFresh(part, row)) {
        sum += lag[row]!
        continue
      }
      const why = reasonOf(reason[row]!)!
      if (before !== undefined && then >= 0 && input.previous !== undefined && !isDefinitive(why)) {
        const records = held.hold(row, input.previous.snapshot, before, then, input.holdSince)
        if (records !== undefined) {
          sum += records
          continue
        }
      }
      if (why === 'no_position' && policy !== 'void') sum += policy === 'start' ? logLength(part, block, row, input) : 0
      else complete = false
    }
    blockLag[block] = sum
    blockComplete[block] = complete ? 1 : 0
  }
  return { ...part, held: held.done() }
}

/** All records of a partition that is known to exist: a row has `no_position` only when both ends of its log are known. */
function logLength(part: SnapshotPart, block: number, row: number, input: JoinInput): number {
  const topic = input.catalog.topics[part.catalogTopic[part.batch.blockTopic[block]!]!]!
  const log = topic.firstRow + part.batch.partition[row]!
  return difference(input.ends.offset, log, input.starts.offset, log)
}
