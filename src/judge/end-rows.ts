import { difference, type OffsetColumn, offsetAt, offsetColumn, setOffset } from '../model/offsets.ts'

/**
 * The numbers of a history of log ends, a row a partition and a column a moment. An end costs four bytes: records above
 * the base of its row. One array for all rows of a moment: a hundred thousand small ones would cost more than what they
 * hold, and a cycle writes along one column.
 */
export interface EndRows {
  readonly size: number
  /** Offset that 0 stands for. */
  readonly base: OffsetColumn
  /** 1 where a log end was ever known, so that the base says something. */
  readonly seen: Uint8Array
  readonly columns: readonly Uint32Array[]
}

/** A cell whose log end was not known. */
export const UNKNOWN = 0xffffffff
/** Where the newest end comes to lie when a base is moved up: as much room above as below. */
const MIDDLE = 0x7fffffff
const TWO_32 = 2 ** 32

export function endRows(size: number, columns: number): EndRows {
  return {
    size,
    base: offsetColumn(size),
    seen: new Uint8Array(size),
    columns: Array.from({ length: columns }, () => new Uint32Array(size).fill(UNKNOWN)),
  }
}

/** Copies the base and what was seen; cells are copied column by column. */
export function copyBases(from: EndRows, first: number, to: EndRows, at: number, count: number): void {
  to.base.set(from.base.subarray(first * 2, (first + count) * 2), at * 2)
  to.seen.set(from.seen.subarray(first, first + count), at)
}

/** Nothing is known of these rows. */
export function clearRows({ seen, columns }: EndRows, first: number, count: number): void {
  seen.fill(0, first, first + count)
  for (const cells of columns) cells.fill(UNKNOWN, first, first + count)
}

/**
 * Writes a log end.
 *
 * @param column that of its moment
 * @param before columns of the moments before, the oldest first
 */
export function takeEnd(
  rows: EndRows,
  row: number,
  column: number,
  before: readonly number[],
  offset: OffsetColumn,
  index: number,
): void {
  const { base, seen, columns } = rows
  let above = difference(offset, index, base, row)
  // An end that fell is of a log that was cut: what was passed before says nothing about what is there now.
  if (seen[row] === 0 || above < 0 || above < lastEnd(columns, before, row)) {
    for (const cells of columns) cells[row] = UNKNOWN
    seen[row] = 1
    above = baseBelow(offset, index, base, row)
  } else if (above >= UNKNOWN) {
    raiseBase(rows, row, above - MIDDLE)
    above = MIDDLE
  }
  columns[column]![row] = above
}

/** The newest end that is known; below all others without one. */
function lastEnd(columns: readonly Uint32Array[], before: readonly number[], row: number): number {
  for (let slot = before.length - 1; slot >= 0; slot--) {
    const cell = columns[before[slot]!]![row]!
    if (cell !== UNKNOWN) return cell
  }
  return -1
}

/** The base comes to lie one below the end, which so is above it, and 0 is free for "at most the base". */
function baseBelow(from: OffsetColumn, index: number, to: OffsetColumn, row: number): number {
  const end = offsetAt(from, index)
  setOffset(to, row, end === 0n ? 0n : end - 1n)
  return end === 0n ? 0 : 1
}

/** Ends that come to lie below the new base become 0: "at most the base", which is all that is asked of them. */
function raiseBase({ base, columns }: EndRows, row: number, by: number): void {
  const low = base[row * 2]! + (by % TWO_32)
  base[row * 2] = low % TWO_32
  base[row * 2 + 1]! += Math.floor(by / TWO_32) + (low >= TWO_32 ? 1 : 0)
  for (const cells of columns) if (cells[row] !== UNKNOWN) cells[row] = Math.max(0, cells[row]! - by)
}
