import fc from 'fast-check'
import { offsetColumn, setOffset } from '../../src/model/offsets.ts'

/** Any text that UTF-8 can hold. */
export const text = fc.string({ unit: 'binary', maxLength: 20 })
export const int16 = fc.integer({ min: -0x8000, max: 0x7fff })
export const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff })
export const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
export const partitions = fc.array(int32, { maxLength: 8 }).map((values) => Int32Array.from(values))

/** The offset of one row; undefined is absent. */
export const offset = fc.option(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), { nil: undefined })

/** Offsets as a column and a column of what is absent. */
export function offsetColumns(offsets: readonly (bigint | undefined)[]): { offset: Uint32Array; absent: Uint8Array } {
  const column = offsetColumn(offsets.length)
  for (const [row, value] of offsets.entries()) if (value !== undefined) setOffset(column, row, value)
  return { offset: column, absent: Uint8Array.from(offsets, (value) => (value === undefined ? 1 : 0)) }
}

/** Where each list starts when all follow each other, and the end: lists + 1 entries. */
export function firsts(lists: readonly (readonly unknown[])[]): Uint32Array {
  const found = [0]
  for (const list of lists) found.push((found.at(-1) ?? 0) + list.length)
  return Uint32Array.from(found)
}

/** The same value without the keys that are undefined, as the decoders give it. */
export function compact<T extends object>(value: T): T {
  const copy = { ...value }
  for (const key of Object.keys(copy)) if (Reflect.get(copy, key) === undefined) Reflect.deleteProperty(copy, key)
  return copy
}
