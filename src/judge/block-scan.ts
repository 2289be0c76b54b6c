import type { CatalogTopic } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import { difference, type OffsetColumn, offsetNumber } from '../model/offsets.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'
import { heldIndex, isFresh, type SnapshotPart } from '../model/snapshot.ts'
import type { TimeLagSource } from '../model/time-lag.ts'
import type { EndHistory, TopicEnds } from './end-history.ts'
import { headroomSeconds, type Kept } from './headroom.ts'
import { hasMoved, type Movement, skipTime, standsSince, takeCaughtUp, takePosition } from './movement.ts'
import { type Arrived, findArrived } from './passing.ts'
import { type Age, readAge, type TimeLagWriter, type TimeQuestions } from './time-lags.ts'

/** What the rows of a block say together. Written anew for each block: a cycle has a hundred thousand of them. */
export interface BlockScan {
  /** Sums over the rows that are known, in records. */
  positions: number
  ends: number
  /** Every row that could have a position was fresh, so that the sums are those of one moment. */
  isWhole: boolean
  isForward: boolean
  isBack: boolean
  /** A row that was not seen before has joined the sums. */
  isWider: boolean
  /** There is something to read in a row that counts. */
  isBehind: boolean
  /** A position lies below the log start: records were deleted before they were read. */
  isLosing: boolean

  /** The oldest of the rows, in milliseconds; known only when each that counts is. */
  isTimed: boolean
  least: number
  guess: number
  most: number
  source: TimeLagSource
  /** Of the oldest by their own timestamps; undefined when one is not known. */
  event: number | undefined

  /** Partitions with lag whose position has not moved within the window; how much is left, came, and for how long. */
  standing: number
  standingLag: number
  standingMs: number
  arrived: number
  /** One of them had moved before, and stopped with more left than the marker of a transaction. */
  hasStoppedShort: boolean

  /** The least of the rows, infinite without one. */
  headroomRecords: number
  headroomSeconds: number
}

export function newBlockScan(): BlockScan {
  return begin({
    positions: 0,
    ends: 0,
    isWhole: false,
    isForward: false,
    isBack: false,
    isWider: false,
    isBehind: false,
    isLosing: false,
    isTimed: false,
    least: 0,
    guess: 0,
    most: 0,
    source: 'log_ends',
    event: undefined,
    standing: 0,
    standingLag: 0,
    standingMs: 0,
    arrived: 0,
    hasStoppedShort: false,
    headroomRecords: 0,
    headroomSeconds: 0,
  })
}

/** What is the same for all blocks of a cycle. */
export interface ScanCycle {
  readonly starts: LogOffsetColumn
  readonly ends: LogOffsetColumn
  readonly history: Pick<EndHistory, 'rows' | 'slots'>
  readonly now: number
  /** When the log ends had been read: the moment at which the time lags are so. */
  readonly at: number
  /** Milliseconds since the cycle before. */
  readonly elapsed: number
  readonly noPosition: (consumer: string) => NoPositionPolicy
  readonly questions: TimeQuestions
  readonly age: Age
  readonly arrived: Arrived
  /** Slot of the history at which what arrives by size is measured from. */
  readonly arrivingFrom: number
}

export interface ScanBlock {
  readonly part: SnapshotPart
  readonly block: number
  readonly consumer: string
  readonly topic: CatalogTopic
  readonly ends: TopicEnds | undefined
  readonly kept: Kept | undefined
  readonly movement: Movement
  readonly windowMs: number
  /** Slot of the history at which the window begins. */
  readonly windowFrom: number
  readonly writer: TimeLagWriter
}

const NO_POSITION = reasonCode('no_position')
const SUSPECTED = reasonCode('control_records_suspected')
/** Fewer may be the markers of transactions of several producers. */
const STOPPED_SHORT = 16
/** What arrives by size is measured over so long. */
export const ARRIVING_MS = 1_800_000

function begin(scan: BlockScan): BlockScan {
  scan.positions = 0
  scan.ends = 0
  scan.isWhole = true
  scan.isForward = false
  scan.isBack = false
  scan.isWider = false
  scan.isBehind = false
  scan.isLosing = false
  scan.isTimed = true
  scan.least = 0
  scan.guess = 0
  scan.most = 0
  scan.source = 'log_ends'
  scan.event = 0
  scan.standing = 0
  scan.standingLag = 0
  scan.standingMs = 0
  scan.arrived = 0
  scan.hasStoppedShort = false
  scan.headroomRecords = Number.POSITIVE_INFINITY
  scan.headroomSeconds = Number.POSITIVE_INFINITY
  return scan
}

/** Of a block that says nothing but its sum: a share group's, or one of a topic that is not there. */
export function skipBlock(scan: BlockScan, isCaughtUp: boolean): void {
  begin(scan)
  scan.isWhole = false
  scan.isTimed = isCaughtUp
}

/**
 * One pass over the rows of a block, which takes their positions into the movement. Rows whose lag is suspected to be
 * control records count as caught up; a row that is held is as old as it was when it was taken.
 */
export function scanBlock(scan: BlockScan, input: ScanBlock, cycle: ScanCycle): void {
  begin(scan)
  const { part, block, movement, topic } = input
  const { batch, lag, reason } = part
  const end = batch.blockFirst[block + 1]!
  scan.isTimed = part.blockComplete[block] === 1
  for (let row = batch.blockFirst[block]!; row < end; row++) {
    const partition = batch.partition[row]!
    if (!isFresh(part, row)) {
      skipTime(movement, partition, cycle.elapsed)
      // Nothing can be read where nobody has ever read, and no sum waits for it.
      if (reason[row] !== NO_POSITION) scan.isWhole = false
      takeStale(scan, input, cycle, row)
      continue
    }
    // An empty partition.
    if (batch.reason[row] !== KNOWN) continue
    const step = takePosition(movement, partition, batch.value, row, cycle.now)
    if (step === 'forward') scan.isForward = true
    else if (step === 'back') scan.isBack = true
    else if (step === 'new') scan.isWider = true
    scan.positions += offsetNumber(batch.value, row)
    scan.ends += offsetNumber(cycle.ends.offset, topic.firstRow + partition)
    if (lag[row] === 0 || reason[row] === SUSPECTED) takeCaughtUp(movement, partition, cycle.now)
    else takeBehind(scan, input, cycle, row)
  }
}

function takeBehind(scan: BlockScan, input: ScanBlock, cycle: ScanCycle, row: number): void {
  const { part, topic, ends, kept, movement, windowMs } = input
  const { batch, lag } = part
  const { starts, history, now, at } = cycle
  const partition = batch.partition[row]!
  const log = topic.firstRow + partition
  const records = difference(batch.value, row, starts.offset, log)
  scan.isBehind = true
  if (records < 0) scan.isLosing = true
  if (records < 0) takeAge(scan, input, cycle, row, starts.offset, log, at)
  else takeAge(scan, input, cycle, row, batch.value, row, at)

  scan.headroomRecords = Math.min(scan.headroomRecords, Math.max(0, records))
  // What lies below the log start is being lost already.
  if (records < 0) scan.headroomSeconds = 0
  else if (kept !== undefined) {
    const { arrived, arrivingFrom } = cycle
    const arriving =
      kept.retentionBytes !== undefined &&
      ends !== undefined &&
      findArrived(history.rows, history.slots, ends.first + partition, arrivingFrom, arrived)
        ? (arrived.records * 1_000) / (now - arrived.since)
        : undefined
    const most = cycle.age.isKnown ? cycle.age.most / 1_000 : undefined
    const seconds = headroomSeconds(records, most, arriving, kept)
    if (seconds !== undefined) scan.headroomSeconds = Math.min(scan.headroomSeconds, seconds)
  }

  const stands = now - standsSince(movement, partition)
  if (stands < windowMs) return
  scan.standing++
  scan.standingLag += lag[row]!
  scan.standingMs = Math.max(scan.standingMs, stands)
  if (lag[row]! > STOPPED_SHORT && hasMoved(movement, partition)) scan.hasStoppedShort = true
  if (ends === undefined) return
  if (findArrived(history.rows, history.slots, ends.first + partition, input.windowFrom, cycle.arrived))
    scan.arrived += cycle.arrived.records
}

/** A row that shows an earlier cycle, or has no position and counts from the log start. */
function takeStale(scan: BlockScan, input: ScanBlock, cycle: ScanCycle, row: number): void {
  const { part, block, topic } = input
  const { batch, reason } = part
  const held = heldIndex(part, row)
  if (held >= 0) {
    const { position, start, takenAt, positioned, lag } = part.held
    if (positioned[held] === 0 || lag[held] === 0) return
    const offset = difference(position, held, start, held) < 0 ? start : position
    takeAge(scan, input, cycle, row, offset, held, takenAt[held]!)
    return
  }
  if (reason[row] !== NO_POSITION) return
  if (cycle.noPosition(batch.consumers[batch.blockConsumer[block]!]!.name) !== 'start') return
  takeAge(scan, input, cycle, row, cycle.starts.offset, topic.firstRow + batch.partition[row]!, cycle.at)
}

function takeAge(
  scan: BlockScan,
  block: ScanBlock,
  { history, questions, age }: ScanCycle,
  row: number,
  offset: OffsetColumn,
  index: number,
  at: number,
): void {
  const { part, writer } = block
  readAge(age, block, history, part.batch.partition[row]!, offset, index, at, questions)
  if (age.least > scan.least) scan.least = age.least
  if (!age.isKnown) {
    scan.isTimed = false
    return
  }
  writer.add(row, age)
  if (age.most > scan.most) scan.most = age.most
  if (scan.event !== undefined) scan.event = age.event === undefined ? undefined : Math.max(scan.event, age.event)
  if (age.guess < scan.guess) return
  scan.guess = age.guess
  scan.source = age.source
}
