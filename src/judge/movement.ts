import type { Status } from '../model/judgement.ts'
import type { OffsetColumn } from '../model/offsets.ts'
import { type Samples, shiftSamples } from './block-samples.ts'
import { type Floors, shiftFloors } from './floors.ts'

/**
 * How the positions of a consumer on one topic have moved since they are watched. Written by the judge only; moments are
 * monotonic milliseconds.
 */
export interface Movement {
  topicId: string | undefined
  /**
   * Four numbers a partition: the low and high word of its position, since when it has not moved although there was
   * something to read (NaN where none was seen; time in which it is not known does not count), and 1 where it has moved.
   * Plain numbers in one list, since three typed arrays for each of a hundred thousand would be most of the memory.
   */
  readonly rows: number[]
  /** Of the last cycle that saw it. */
  lastAt: number
  movedAt: number | undefined
  /** When it last moved, or had nothing to read: what follows is waiting for the next commit. */
  waitsSince: number
  /** How long the last movements were waited for, and what follows from it. */
  readonly steps: number[]
  stepMs: number | undefined
  readonly samples: Samples
  readonly moves: Samples
  readonly floors: Floors
  rewinds: number
  rewoundAt: number | undefined
  /** What was thought of it last, and since when; undefined before the first time. */
  status: Status | undefined
  statusSince: number
  /** As milliseconds of the wall clock that were told: since when it has the status, and `movedAt`. NaN before. */
  saidSince: number
  saidMovedAt: number
}

export function newMovement(now: number, topicId: string | undefined): Movement {
  return {
    topicId,
    rows: [],
    lastAt: now,
    movedAt: undefined,
    waitsSince: now,
    steps: [],
    stepMs: undefined,
    samples: [],
    moves: [],
    floors: [],
    rewinds: 0,
    rewoundAt: undefined,
    status: undefined,
    statusSince: now,
    saidSince: Number.NaN,
    saidMovedAt: Number.NaN,
  }
}

const FIELDS = 4
const [HIGH, SINCE, MOVED] = [1, 2, 3]
const TWO_32 = 2 ** 32

export function partitionsOf({ rows }: Movement): number {
  return rows.length / FIELDS
}

/** Makes room for partitions up to this one. */
function reach({ rows }: Movement, partition: number): void {
  for (let next = rows.length / FIELDS; next <= partition; next++) rows.push(0, 0, Number.NaN, 0)
}

/** What is known of one partition; undefined when it was never seen. */
export interface MovementRow {
  readonly position: bigint
  readonly standsSince: number
  readonly hasMoved: boolean
}

export function rowOf({ rows }: Movement, partition: number): MovementRow | undefined {
  const at = partition * FIELDS
  const since = rows[at + SINCE]
  if (since === undefined || Number.isNaN(since)) return undefined
  return {
    position: (BigInt(rows[at + HIGH]!) << 32n) | BigInt(rows[at]!),
    standsSince: since,
    hasMoved: rows[at + MOVED] === 1,
  }
}

export function setRow(movement: Movement, partition: number, { position, standsSince, hasMoved }: MovementRow): void {
  reach(movement, partition)
  const { rows } = movement
  const at = partition * FIELDS
  rows[at] = Number(position & 0xffffffffn)
  rows[at + HIGH] = Number(position >> 32n)
  rows[at + SINCE] = standsSince
  rows[at + MOVED] = hasMoved ? 1 : 0
}

/** NaN where none was seen. */
export function standsSince({ rows }: Movement, partition: number): number {
  return rows[partition * FIELDS + SINCE] ?? Number.NaN
}

export function hasMoved({ rows }: Movement, partition: number): boolean {
  return rows[partition * FIELDS + MOVED] === 1
}

/** Whoever has read all of it waits, and does not stand. */
export function takeCaughtUp({ rows }: Movement, partition: number, now: number): void {
  rows[partition * FIELDS + SINCE] = now
}

/** What a cycle sees of one partition: first sight, no change, forward, or back. */
export type Step = 'new' | 'none' | 'forward' | 'back'

export function takePosition(
  movement: Movement,
  partition: number,
  column: OffsetColumn,
  row: number,
  now: number,
): Step {
  if (partition * FIELDS >= movement.rows.length) reach(movement, partition)
  const { rows } = movement
  const at = partition * FIELDS
  const [low, high] = [column[row * 2]!, column[row * 2 + 1]!]
  const isNew = Number.isNaN(rows[at + SINCE]!)
  if (!isNew && rows[at] === low && rows[at + HIGH] === high) return 'none'
  const by = (high - rows[at + HIGH]!) * TWO_32 + (low - rows[at]!)
  rows[at] = low
  rows[at + HIGH] = high
  rows[at + SINCE] = now
  if (isNew) return 'new'
  rows[at + MOVED] = 1
  return by > 0 ? 'forward' : 'back'
}

/** The positions could not be seen for so long: nobody knows whether they stood. */
export function skipTime({ rows }: Movement, partition: number, ms: number): void {
  const at = partition * FIELDS + SINCE
  if (at < rows.length) rows[at]! += ms
}

/** Until this moment nothing changed, and there was nothing to read, since the last cycle that saw it. */
export function takeRest(movement: Movement, until: number): void {
  const { rows, lastAt } = movement
  for (let at = SINCE; at < rows.length; at += FIELDS) if (!Number.isNaN(rows[at]!)) rows[at] = until
  shiftSamples(movement.samples, until - lastAt)
  shiftFloors(movement.floors, until - lastAt)
  movement.waitsSince = until
  movement.lastAt = until
}

const STEPS = 5
const ENOUGH_STEPS = 3
/** A consumer that takes longer than this to commit is not waited for. */
const MOST_STEP_MS = 3_600_000

/**
 * Takes how long it was from one commit to the next while there was something to read. As a rule it is as long as the middle
 * one of the last, and as the longest until there are three.
 */
export function takeStep(movement: Movement, step: number): void {
  const { steps } = movement
  if (steps.length === STEPS) steps.shift()
  steps.push(step)
  movement.stepMs = Math.min(steps.length < ENOUGH_STEPS ? Math.max(...steps) : middleOf(steps), MOST_STEP_MS)
}

/** Counts in place of sorting: it is done for every consumer that moves, and there are five of them. */
function middleOf(numbers: readonly number[]): number {
  const place = numbers.length >> 1
  for (const one of numbers) {
    let [below, same] = [0, 0]
    for (const other of numbers) {
      if (other < one) below++
      else if (other === one) same++
    }
    if (below <= place && place < below + same) return one
  }
  return Number.NaN
}

/** Takes a cycle in which positions moved forward. */
export function takeMove(movement: Movement, now: number): void {
  const step = now - movement.waitsSince
  if (step > 0) takeStep(movement, step)
  movement.movedAt = now
  movement.waitsSince = now
}

/**
 * Positions were set back: what was learnt of their movement goes.
 *
 * @param isRewind somebody did so; otherwise what was read since the last checkpoint is read once more
 */
export function takeBack(movement: Movement, now: number, isRewind: boolean): void {
  movement.movedAt = now
  movement.waitsSince = now
  movement.samples.length = 0
  movement.moves.length = 0
  if (!isRewind) return
  movement.floors.length = 0
  movement.rewinds++
  movement.rewoundAt = now
}
