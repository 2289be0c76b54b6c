import type { Status } from '../model/judgement.ts'
import type { OffsetColumn } from '../model/offsets.ts'
import { SAMPLES, sampleEntries } from './block-samples.ts'
import { FLOORS, floorEntries } from './floors.ts'
import { clearEntries, shiftEntries } from './moment-list.ts'

/** Where the numbers of a movement stand in their list. */
const [LAST_AT, MOVED_AT, WAITS_SINCE, STEP_MS, REWOUND_AT, STATUS_SINCE, SAID_SINCE, SAID_MOVED_AT] = [
  0, 1, 2, 3, 4, 5, 6, 7,
]
const STEPS_FROM = 8
const STEPS = 5
const SAMPLES_FROM = STEPS_FROM + STEPS
const MOVES_FROM = SAMPLES_FROM + SAMPLES
const FLOORS_FROM = MOVES_FROM + SAMPLES
const NUMBERS = FLOORS_FROM + FLOORS

/** The lists of a movement, as places in `numbers`: see `block-samples` and `floors`. */
export const samplesOf = SAMPLES_FROM
/** Samples taken when it moved. */
export const movesOf = MOVES_FROM
export const floorsOf = FLOORS_FROM

/**
 * How the positions of a consumer on one topic have moved since they are watched. Written by the judge only; moments are
 * monotonic milliseconds, NaN where there was none. All numbers lie in one list: a hundred thousand consumers would
 * otherwise have two million objects, which lie scattered and are looked through by the garbage collector again and again.
 */
export class Movement {
  topicId: string | undefined
  /** What was thought of it last; undefined before the first time. */
  status: Status | undefined = undefined
  rewinds = 0
  readonly numbers: number[] = new Array<number>(NUMBERS).fill(Number.NaN)
  /**
   * Four numbers a partition: the low and high word of its position, since when it has not moved although there was
   * something to read (NaN where none was seen; time in which it is not known does not count), and 1 where it has moved.
   */
  readonly rows: number[] = []

  constructor(now: number, topicId: string | undefined) {
    this.topicId = topicId
    this.lastAt = now
    this.waitsSince = now
    this.statusSince = now
  }

  /** Of the last cycle that saw it. */
  get lastAt(): number {
    return this.numbers[LAST_AT]!
  }
  set lastAt(moment: number) {
    this.numbers[LAST_AT] = moment
  }

  get movedAt(): number {
    return this.numbers[MOVED_AT]!
  }
  set movedAt(moment: number) {
    this.numbers[MOVED_AT] = moment
  }

  get hasMoved(): boolean {
    return !Number.isNaN(this.movedAt)
  }

  /** When it last moved, or had nothing to read: what follows is waiting for the next commit. */
  get waitsSince(): number {
    return this.numbers[WAITS_SINCE]!
  }
  set waitsSince(moment: number) {
    this.numbers[WAITS_SINCE] = moment
  }

  /** How long it takes from one commit to the next, as a rule; undefined while nobody knows. */
  get stepMs(): number | undefined {
    const ms = this.numbers[STEP_MS]!
    return Number.isNaN(ms) ? undefined : ms
  }

  get rewoundAt(): number {
    return this.numbers[REWOUND_AT]!
  }
  set rewoundAt(moment: number) {
    this.numbers[REWOUND_AT] = moment
  }

  get statusSince(): number {
    return this.numbers[STATUS_SINCE]!
  }
  set statusSince(moment: number) {
    this.numbers[STATUS_SINCE] = moment
  }

  /** Milliseconds of the wall clock that were told: since when it has the status. */
  get saidSince(): number {
    return this.numbers[SAID_SINCE]!
  }
  set saidSince(wall: number) {
    this.numbers[SAID_SINCE] = wall
  }

  /** Milliseconds of the wall clock that were told of `movedAt`. */
  get saidMovedAt(): number {
    return this.numbers[SAID_MOVED_AT]!
  }
  set saidMovedAt(wall: number) {
    this.numbers[SAID_MOVED_AT] = wall
  }

  /** How long the last movements were waited for, the oldest first. */
  get steps(): readonly number[] {
    return this.numbers.slice(STEPS_FROM, STEPS_FROM + STEPS).filter((step) => !Number.isNaN(step))
  }

  /**
   * Takes how long it was from one commit to the next while there was something to read. As a rule it is as long as the
   * middle one of the last, and as the longest until there are three.
   */
  takeStep(step: number): void {
    const { numbers } = this
    let count = 0
    while (count < STEPS && !Number.isNaN(numbers[STEPS_FROM + count]!)) count++
    if (count === STEPS) {
      count--
      for (let place = 0; place < count; place++) numbers[STEPS_FROM + place] = numbers[STEPS_FROM + place + 1]!
    }
    numbers[STEPS_FROM + count] = step
    numbers[STEP_MS] = Math.min(typical(numbers, STEPS_FROM, count + 1), MOST_STEP_MS)
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
  const { rows, numbers } = movement
  const passed = until - movement.lastAt
  for (let at = SINCE; at < rows.length; at += FIELDS) if (!Number.isNaN(rows[at]!)) rows[at] = until
  shiftEntries(numbers, samplesOf, sampleEntries, passed)
  shiftEntries(numbers, floorsOf, floorEntries, passed)
  movement.waitsSince = until
  movement.lastAt = until
}

const ENOUGH_STEPS = 3
/** A consumer that takes longer than this to commit is not waited for. */
const MOST_STEP_MS = 3_600_000

/** Counts in place of sorting: it is done for every consumer that moves, and there are five of them. */
function typical(numbers: readonly number[], from: number, count: number): number {
  const place = count < ENOUGH_STEPS ? count - 1 : count >> 1
  for (let one = from; one < from + count; one++) {
    let [below, same] = [0, 0]
    for (let other = from; other < from + count; other++) {
      if (numbers[other]! < numbers[one]!) below++
      else if (numbers[other] === numbers[one]) same++
    }
    if (below <= place && place < below + same) return numbers[one]!
  }
  return Number.NaN
}

/** Takes a cycle in which positions moved forward. */
export function takeMove(movement: Movement, now: number): void {
  const step = now - movement.waitsSince
  if (step > 0) movement.takeStep(step)
  movement.movedAt = now
  movement.waitsSince = now
}

/**
 * Positions were set back: what was learnt of their movement goes.
 *
 * @param isRewind somebody did so; otherwise what was read since the last checkpoint is read once more
 */
export function takeBack(movement: Movement, now: number, isRewind: boolean): void {
  const { numbers } = movement
  movement.movedAt = now
  movement.waitsSince = now
  clearEntries(numbers, samplesOf)
  clearEntries(numbers, movesOf)
  if (!isRewind) return
  clearEntries(numbers, floorsOf)
  movement.rewinds++
  movement.rewoundAt = now
}
