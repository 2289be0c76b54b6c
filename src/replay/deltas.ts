import { difference, type OffsetColumn } from '../model/offsets.ts'
import { DecodeError } from '../runtime/errors.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'

/**
 * Columns as differences to what was expected: 0 and how many more differences of 0 follow it; 1 and an offset as it is,
 * two words, where the difference is too large for a number; else the difference in zigzag (1, −1, 2, −2 … as 1, 2, 3,
 * 4 …) plus one. So what stands still costs next to nothing, and what moves evenly a byte.
 */
export interface DeltaWriter {
  number(now: number, before: number): void
  /** `now[row]` where `before[at]` was, which becomes part of the trend. */
  offset(now: OffsetColumn, row: number, before: OffsetColumn, at: number, trend: Trend): void
  /** After the last row of a column. */
  flush(): void
}

export interface DeltaReader {
  number(before: number): number
  offset(into: OffsetColumn, row: number, before: OffsetColumn, at: number, trend: Trend): void
  /** After the last row of a column. @throws DecodeError when more of it was written */
  flush(): void
}

/** By how much offsets moved last, and by how much they are expected to move next. */
export interface Trend {
  readonly moved: Int32Array
  readonly expected: Int32Array
}

export function newTrend(rows: number): Trend {
  return { moved: new Int32Array(rows), expected: new Int32Array(rows) }
}

/**
 * What moves as it did the time before is expected to go on so. What moves now and then, as commits do, is not: expected
 * is what would have been the better guess the last time.
 */
function follow({ moved, expected }: Trend, at: number, by: number): void {
  const now = Math.abs(by) < MOST_TREND ? by : 0
  expected[at] = Math.abs(now - moved[at]!) < Math.abs(now) ? now : 0
  moved[at] = now
}

const MOST_TREND = 2 ** 30
const RUN = 0
const WHOLE = 1
const TWO_32 = 2 ** 32
/** Zigzag doubles, and one more must fit. */
const MOST = 2 ** 51
/** A run of a hostile file must not be walked for ever: whoever reads it asks only for rows that there are. */
const MOST_RUN = 2 ** 32

export function createDeltaWriter(to: ByteWriter): DeltaWriter {
  let zeros = 0

  function flush(): void {
    if (zeros === 0) return
    to.varint(RUN)
    to.varint(zeros - 1)
    zeros = 0
  }

  function put(delta: number): void {
    if (delta === 0) {
      zeros++
      return
    }
    flush()
    to.varint(delta > 0 ? 2 * delta : 1 - 2 * delta)
  }

  return {
    flush,
    number: (now, before) => put(now - before),
    offset: (now, row, before, at, trend) => {
      const delta = difference(now, row, before, at)
      if (Math.abs(delta) < MOST) {
        put(delta - trend.expected[at]!)
        follow(trend, at, delta)
        return
      }
      follow(trend, at, 0)
      flush()
      to.varint(WHOLE)
      to.uint32(now[row * 2]!)
      to.uint32(now[row * 2 + 1]!)
    },
  }
}

export function createDeltaReader(from: ByteReader): DeltaReader {
  let zeros = 0

  /** The next difference; undefined when a whole offset follows. */
  function take(): number | undefined {
    if (zeros > 0) {
      zeros--
      return 0
    }
    const token = from.varint()
    if (token === RUN) {
      zeros = from.count(MOST_RUN, 'length of a run')
      return 0
    }
    if (token === WHOLE) return undefined
    return token % 2 === 0 ? token / 2 : (1 - token) / 2
  }

  return {
    number: (before) => {
      const delta = take()
      if (delta === undefined) throw new DecodeError('Read a difference: an offset is here')
      return before + delta
    },
    offset: (into, row, before, at, trend) => {
      const more = take()
      if (more === undefined) {
        follow(trend, at, 0)
        into[row * 2] = from.uint32()
        into[row * 2 + 1] = from.uint32()
        return
      }
      const delta = more + trend.expected[at]!
      follow(trend, at, delta)
      const low = before[at * 2]! + delta
      const carry = Math.floor(low / TWO_32)
      into[row * 2] = low - carry * TWO_32
      into[row * 2 + 1] = before[at * 2 + 1]! + carry
    },
    flush: () => {
      if (zeros !== 0) throw new DecodeError(`Read a column: ${zeros} rows more than it has`)
    },
  }
}
