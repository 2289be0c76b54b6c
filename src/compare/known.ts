import type { Quantity } from './names.ts'
import {
  indexOurs,
  type OurIndex,
  type OurNumbers,
  type OurRow,
  ourNumber,
  partitionKey,
  type Range,
  rangeOf,
} from './ours.ts'
import type { TheirNumber, TheirNumbers } from './their.ts'

/** What a difference is, and whether it is accounted for. */
export const differences = {
  equal: true,
  moving: true,
  their_no_commit: true,
  their_negative: true,
  their_zero: true,
  their_deleted_records: true,
  their_partitions: true,
  missing_there: true,
  missing_here: true,
  renamed: true,
  unexplained: false,
} as const
export type Difference = keyof typeof differences

/** One number of both sides. */
export interface Compared {
  readonly difference: Difference
  readonly quantity: Quantity | 'consumer'
  /** The family on the other page; absent when it has none for this. */
  readonly series?: string
  readonly consumer?: string
  readonly topic?: string
  readonly partition?: number
  /** Of the last reading; absent when there is none. */
  readonly theirs?: number
  readonly ours?: number
  readonly why?: string
}

/** All readings of both sides, prepared for questions. */
export interface Known {
  readonly theirs: readonly TheirNumbers[]
  readonly ours: readonly OurIndex[]
  /** Partitions of a topic, as far as we know. */
  readonly partitions: ReadonlyMap<string, number>
}

/** One number of theirs with what we know about it. */
export interface Question {
  readonly number: TheirNumber
  /** Theirs, reading by reading. */
  readonly values: readonly number[]
  /** Ours, reading by reading: a number, or the reason why there is none, or undefined when there is no such row. */
  readonly found: readonly (number | string | undefined)[]
  readonly ours: readonly number[]
  /** The rows behind it, reading by reading. */
  readonly rows: readonly (readonly OurRow[])[]
  /** An answer to it. */
  readonly result: (difference: Difference, why?: string) => Compared
}

export function knownFrom(theirs: readonly TheirNumbers[], ours: readonly OurNumbers[]): Known {
  const partitions = new Map<string, number>()
  for (const { topic } of ours.at(-1)?.logs.values() ?? []) partitions.set(topic, (partitions.get(topic) ?? 0) + 1)
  return { theirs, ours: ours.map(indexOurs), partitions }
}

export function questionOf({ theirs, ours }: Known, key: string): Question {
  const numbers = theirs.flatMap((reading) => reading.numbers.get(key) ?? [])
  const number = numbers.at(-1)!
  const found = ours.map((index) => ourValue(index, number))
  const known = found.filter((value) => typeof value === 'number')
  const { value, exporter: _, ...about } = number
  return {
    number,
    values: numbers.map((one) => one.value),
    found,
    ours: known,
    rows: ours.map((index) => index.rowsOf(number)),
    result: (difference, why) => ({
      ...about,
      difference,
      theirs: value,
      ...(known.length === 0 ? {} : { ours: known.at(-1)! }),
      ...(why === undefined ? {} : { why }),
    }),
  }
}

function ourValue(index: OurIndex, number: TheirNumber): number | string | undefined {
  const { quantity, topic = '', partition = 0, consumer = '' } = number
  const log = index.numbers.logs.get(partitionKey(topic, partition))
  if (quantity === 'members') return index.numbers.members.get(consumer)
  if (quantity === 'log_end_offset') return log?.end
  if (quantity === 'log_start_offset') return log?.start
  return ourNumber(quantity, index.rowsOf(number))
}

/** True when a position or a log end was another one at another reading. */
export function hasMoved(readings: readonly (readonly OurRow[])[]): boolean {
  const seen = readings.map((rows) => rows.map(({ position, logEnd }) => [position, logEnd]))
  return seen.some((rows) => JSON.stringify(rows) !== JSON.stringify(seen[0]))
}

/** A number was read here before and there after, or the other way round. */
export function isWithin(theirs: readonly number[], ours: readonly number[]): boolean {
  const [one, other] = [rangeOf(theirs), rangeOf(ours)]
  const isStill = one?.least === one?.most && other?.least === other?.most
  return !isStill && other !== undefined && overlaps(one, other)
}

export function overlaps(one: Range | undefined, other: Range): boolean {
  return one !== undefined && one.least <= other.most && other.least <= one.most
}

/** The consumer, and the consumer on the topic, of a number. */
export function scopesOf({ consumer, topic }: Pick<TheirNumber, 'consumer' | 'topic'>): readonly string[] {
  return [JSON.stringify([consumer]), JSON.stringify([consumer, topic])]
}
