import type { CatalogTopic } from '../model/catalog.ts'
import type { OffsetColumn } from '../model/offsets.ts'
import { type TimeLagRows, type TimeLagSource, timeLagSources } from '../model/time-lag.ts'
import type { EndHistory, TopicEnds } from './end-history.ts'
import { findPassing, newPassing, type Passing } from './passing.ts'

/** When the record at an offset was appended, by what was asked of the log; monotonic milliseconds. */
interface LookedUp {
  readonly notBefore: number
  readonly guess: number
  /** Absent where the timestamps say nothing about it. */
  readonly notAfter?: number
  readonly source: Exclude<TimeLagSource, 'log_ends'>
  /** The record's own timestamp, when it was met itself. */
  readonly eventAt?: number
}

/** What the log can be asked. */
export interface TimeQuestions {
  /**
   * Asked for each offset that the history does not reach back to: what is known of its record, whatever of it may be
   * asked of the log later. Absent where the log is not asked.
   *
   * @param notAfter when a log end was first seen above it, monotonic milliseconds; infinite when none was
   * @param consumer whose it is: consumers share what is asked
   */
  readonly lookUp?: (
    topic: CatalogTopic,
    partition: number,
    offset: OffsetColumn,
    index: number,
    notAfter: number,
    consumer: string,
  ) => LookedUp | undefined
}

/** What a record's own timestamp may differ from the moment it was appended: clocks, and producers that wait for more. */
const STAMP_MS = 1_000

/** How long ago a log end passed an offset, in milliseconds before the moment that was asked for. */
export interface Age {
  /** Without a guess only `least` says something. */
  isKnown: boolean
  least: number
  guess: number
  most: number
  source: TimeLagSource
  /** By the record's own timestamp; undefined when that is not known. */
  event: number | undefined
  readonly passing: Passing
}

/** To be written by `readAge` again and again: a cycle asks for a million. */
export function newAge(): Age {
  return { isKnown: false, least: 0, guess: 0, most: 0, source: 'log_ends', event: undefined, passing: newPassing() }
}

/** Whose offset it is, and of what. */
export interface AgeOf {
  readonly consumer: string
  readonly topic: CatalogTopic
  readonly ends: TopicEnds | undefined
}

/**
 * Reads the age of an offset into `age`: by the history of log ends, else by what was asked of the log, within what the
 * history knows.
 *
 * @param at the moment at which the offset was the next one to be read, monotonic milliseconds
 */
export function readAge(
  age: Age,
  { consumer, topic, ends }: AgeOf,
  history: Pick<EndHistory, 'rows' | 'slots'>,
  partition: number,
  offset: OffsetColumn,
  index: number,
  at: number,
  { lookUp }: TimeQuestions,
): void {
  const { passing } = age
  age.isKnown =
    ends !== undefined && findPassing(history.rows, history.slots, ends.first + partition, offset, index, passing)
  age.event = undefined
  if (age.isKnown) {
    age.source = 'log_ends'
    write(age, at, passing.notBefore, passing.guess, passing.notAfter)
    return
  }
  const passedBy = ends === undefined ? Number.POSITIVE_INFINITY : passing.notAfter
  const latest = Math.min(passedBy, at)
  age.least = Math.max(0, at - latest)
  const looked = lookUp?.(topic, partition, offset, index, passedBy, consumer)
  if (looked?.eventAt !== undefined) age.event = Math.max(0, at - looked.eventAt)
  if (looked === undefined) return
  const notBefore = looked.notBefore - STAMP_MS
  const notAfter = looked.notAfter === undefined ? latest : Math.min(latest, looked.notAfter + STAMP_MS)
  // A record that claims to be younger than the log end that had passed it was stamped by a wrong clock.
  if (notBefore > notAfter) return
  age.isKnown = true
  age.source = looked.source
  write(age, at, notBefore, Math.min(Math.max(looked.guess, notBefore), notAfter), notAfter)
}

function write(age: Age, at: number, notBefore: number, guess: number, notAfter: number): void {
  age.least = Math.max(0, at - notAfter)
  age.guess = Math.max(0, at - guess)
  age.most = Math.max(0, at - notBefore)
}

/** Collects the rows of a part with a time lag, in their order. */
export interface TimeLagWriter {
  add(row: number, age: Age): void
  done(): TimeLagRows
}

/** @param mostRows rows of the part */
export function createTimeLagWriter(mostRows: number): TimeLagWriter {
  let size = Math.min(mostRows, 1_024)
  let count = 0
  let row = new Uint32Array(size)
  let seconds = new Float64Array(size)
  let uncertainty = new Float64Array(size)
  let source = new Uint8Array(size)

  function resize(to: number): void {
    size = to
    row = copied(new Uint32Array(to), row)
    seconds = copied(new Float64Array(to), seconds)
    uncertainty = copied(new Float64Array(to), uncertainty)
    source = copied(new Uint8Array(to), source)
  }

  return {
    add: (at, age) => {
      if (count === size) resize(Math.min(mostRows, size * 2))
      row[count] = at
      seconds[count] = age.guess / 1_000
      uncertainty[count] = uncertaintyOf(age)
      source[count] = timeLagSources.indexOf(age.source)
      count++
    },
    done: () => {
      if (count < size) resize(count)
      return { row, seconds, uncertainty, source }
    },
  }
}

/** Seconds. */
export function uncertaintyOf({ least, guess, most }: Pick<Age, 'least' | 'guess' | 'most'>): number {
  return Math.max(most - guess, guess - least) / 1_000
}

function copied<Column extends Uint32Array | Float64Array | Uint8Array>(into: Column, from: Column): Column {
  into.set(from.subarray(0, into.length))
  return into
}
