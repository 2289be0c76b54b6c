import { describe, expect, it } from 'vitest'
import { jsonRow, jsonText } from '../../src/exposition/json-row.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import { fakeLogs } from '../fakes/columns.ts'
import { type FakeRow, fakeSnapshot } from '../fakes/snapshot.ts'

function rowText(row: Omit<FakeRow, 'consumer' | 'topic' | 'partition'>): string {
  const consumer = { name: 'billing', kind: 'classic' } as const
  const [found] = lagRows(fakeSnapshot([{ consumer, topic: 'orders', partition: 0, ...row }]))
  return jsonRow(found!)
}

describe('jsonRow()', () => {
  const names = '"kafka_cluster":"main","consumer":"billing","kind":"classic","topic":"orders","partition":0'

  it('prints a known row with exact integers above 2^53', () => {
    expect(rowText({ position: 2n ** 53n + 1n, start: 0n, end: 2n ** 63n - 1n })).toBe(
      `{${names},"position":9007199254740993,"log_start_offset":0,"log_end_offset":9223372036854775807,"records_lag":9214364837600034814}`,
    )
  })

  it('has the views that were asked for, as far as they are known', () => {
    const consumer = { name: 'billing', kind: 'classic' } as const
    const row = { consumer, topic: 'orders', partition: 0, position: 10n, start: 0n, end: 32n }
    const stable = fakeLogs([{ name: 'orders', start: [0n], end: [22n] }]).ends
    const local = fakeLogs([{ name: 'orders', start: [0n], end: ['unsupported'] }]).ends
    const recordBytes = { value: Float64Array.of(1.04), known: Uint8Array.of(1) }
    const [found] = lagRows(fakeSnapshot([row], { views: { stable, local, recordBytes } }))

    expect(jsonRow(found!)).toBe(
      `{${names},"position":10,"log_start_offset":0,"log_end_offset":32,"records_lag":22,"last_stable_offset":22,"read_committed_records_lag":12,"lag_bytes":23}`,
    )
  })

  it('leaves out what is unknown and says why', () => {
    expect(rowText({ start: 1n, end: 2n, reason: 'no_position' })).toBe(
      `{${names},"log_start_offset":1,"log_end_offset":2,"reason":"no_position"}`,
    )
  })

  it('says of a held row when it was taken', () => {
    const held = { position: 60n, start: 5n, end: 100n, agoMs: 15_000 }

    expect(rowText({ reason: 'timeout', held })).toBe(
      `{${names},"position":60,"log_start_offset":5,"log_end_offset":100,"records_lag":40,"reason":"timeout","taken_at":"2025-01-01T00:01:25.000Z"}`,
    )
  })
})

describe('jsonText()', () => {
  it('agrees with JSON.stringify where that can print the value at all', () => {
    const value = { a: [1, null, 'x"\n'], b: { c: true, d: undefined }, e: 1.5, f: [], g: {} }

    expect(jsonText(value)).toBe(JSON.stringify(value))
  })

  it('prints bigints as integers', () => {
    expect(jsonText({ a: [2n ** 60n] })).toBe('{"a":[1152921504606846976]}')
  })
})
