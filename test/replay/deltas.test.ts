import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { offsetAt, offsetColumn, setOffset } from '../../src/model/offsets.ts'
import { createByteReader, createByteWriter } from '../../src/replay/bytes.ts'
import { createDeltaReader, createDeltaWriter, newTrend } from '../../src/replay/deltas.ts'
import { DecodeError } from '../../src/runtime/errors.ts'

/** Offsets as they come: near each other, far from each other, and the largest there is. */
const offset = fc.oneof(
  fc.bigInt({ min: 0n, max: 300n }),
  fc.bigInt({ min: 2n ** 32n - 9n, max: 2n ** 32n + 9n }),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
)

function columnOf(offsets: readonly bigint[]): Uint32Array {
  const column = offsetColumn(offsets.length)
  for (const [row, value] of offsets.entries()) setOffset(column, row, value)
  return column
}

describe('columns as differences', () => {
  it('come back as they were, whatever moved in between', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.infiniteStream(offset), { maxLength: 6 }),
        (rows, streams) => {
          const cycles = streams.map((stream) => [...stream.take(rows)])
          const out = createByteWriter()
          const writer = createDeltaWriter(out)
          const trend = newTrend(rows)
          let before = offsetColumn(rows)
          for (const cycle of cycles) {
            const now = columnOf(cycle)
            for (let row = 0; row < rows; row++) writer.offset(now, row, before, row, trend)
            writer.flush()
            before = now
          }
          const from = createByteReader(out.take())
          const reader = createDeltaReader(from)
          const trendThere = newTrend(rows)
          before = offsetColumn(rows)
          for (const cycle of cycles) {
            const now = offsetColumn(rows)
            for (let row = 0; row < rows; row++) reader.offset(now, row, before, row, trendThere)
            reader.flush()
            expect(cycle.map((_, row) => offsetAt(now, row))).toEqual(cycle)
            before = now
          }
          from.end()
        },
      ),
    )
  })

  it('cost next to nothing where nothing moves, and a byte where all moves evenly', () => {
    const rows = 1_000
    const out = createByteWriter()
    const writer = createDeltaWriter(out)
    const [trend, still] = [newTrend(rows), newTrend(rows)]
    const bytes = [0, 1, 2, 3].map((cycle) => {
      const moving = columnOf(Array.from({ length: rows }, (_, row) => BigInt(row * 1_000 + cycle * (5_000 + row))))
      const before = columnOf(
        Array.from({ length: rows }, (_, row) => BigInt(row * 1_000 + Math.max(0, cycle - 1) * (5_000 + row))),
      )
      for (let row = 0; row < rows; row++) writer.offset(moving, row, before, row, trend)
      writer.flush()
      const even = out.take().length
      for (let row = 0; row < rows; row++) writer.offset(moving, row, moving, row, still)
      writer.flush()
      return { even, standing: out.take().length }
    })

    expect(bytes.map(({ standing }) => standing)).toEqual([3, 3, 3, 3])
    expect(bytes[3]!.even).toBe(3)
  })
})

describe('bytes that nobody wrote', () => {
  it('are an error, not a number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const from = createByteReader(Buffer.from(bytes))
        const reader = createDeltaReader(from)
        try {
          for (let at = 0; at < 20; at++) expect(Number.isSafeInteger(reader.number(0))).toBe(true)
          from.text()
          from.end()
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error
        }
      }),
    )
  })
})
