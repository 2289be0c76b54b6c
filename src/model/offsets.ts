/**
 * Offsets as columns: a row is two words, low then high, of a Uint32Array. Arithmetic on pairs of words costs a
 * thousandth of BigInt arithmetic and stays exact to 2^53, correctly rounded above; BigInt is for cold paths.
 */
export type OffsetColumn = Uint32Array

const TWO_32 = 2 ** 32

/** A column for `rows` offsets, all 0. */
export function offsetColumn(rows: number): OffsetColumn {
  return new Uint32Array(rows * 2)
}

/** The offset at `row`, exact. */
export function offsetAt(column: OffsetColumn, row: number): bigint {
  return (BigInt(column[row * 2 + 1]!) << 32n) | BigInt(column[row * 2]!)
}

/** Writes an offset of 0 to 2^63 − 1. */
export function setOffset(column: OffsetColumn, row: number, offset: bigint): void {
  column[row * 2] = Number(offset & 0xffffffffn)
  column[row * 2 + 1] = Number(offset >> 32n)
}

/** `a[i] − b[j]` in records: exact below 2^53, correctly rounded above (checked against BigInt by a property test). */
export function difference(a: OffsetColumn, i: number, b: OffsetColumn, j: number): number {
  return (a[i * 2 + 1]! - b[j * 2 + 1]!) * TWO_32 + (a[i * 2]! - b[j * 2]!)
}

/** The offset at `row` as the number that Prometheus would store. */
export function offsetNumber(column: OffsetColumn, row: number): number {
  return column[row * 2 + 1]! * TWO_32 + column[row * 2]!
}
