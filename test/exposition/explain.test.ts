import { describe, expect, it } from 'vitest'
import { explain } from '../../src/exposition/explain.ts'
import { reasonText } from '../../src/exposition/reason-text.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import { reasons } from '../../src/model/reason.ts'
import { type FakeRow, fakeSnapshot } from '../fakes/snapshot.ts'

function explained(row: Omit<FakeRow, 'consumer' | 'topic' | 'partition'>): ReturnType<typeof explain> {
  const consumer = { name: 'billing', kind: 'classic' } as const
  const snapshot = fakeSnapshot([{ consumer, topic: 'orders', partition: 0, ...row }])
  const [found] = lagRows(snapshot)
  return explain(snapshot, found!)
}

describe('explain()', () => {
  it('names the request behind each number, with times of the wall clock', () => {
    const { requests, cycle_ended } = explained({ position: 3n, start: 0n, end: 10n })

    expect(cycle_ended).toBe('2025-01-01T00:01:40.000Z')
    expect(requests.position).toEqual([
      {
        from: '1@broker1:9092',
        api: 'OffsetFetch',
        version: 8,
        correlation: 8,
        sent: '2025-01-01T00:01:39.000Z',
        received: '2025-01-01T00:01:39.005Z',
        code: 0,
      },
    ])
    expect(requests.log_start.map(({ api, correlation }) => [api, correlation])).toEqual([['ListOffsets', 7]])
    expect(requests.log_end.map(({ api, correlation }) => [api, correlation])).toEqual([['ListOffsets', 9]])
  })

  it.each<[string, Omit<FakeRow, 'consumer' | 'topic' | 'partition'>, string, string]>([
    ['a known row', { position: 3n, start: 0n, end: 10n }, 'known', 'log end 10 - position 3 = records lag 7'],
    [
      'a position below the log start',
      { position: 3n, start: 5n, end: 10n },
      'known',
      'log end 10 - log start 5 = records lag 5; the records from position 3 to 5 are gone',
    ],
    [
      'nothing but ends of transactions',
      { position: 5n, start: 0n, end: 7n, reason: 'control_records' },
      'known',
      'log end 7 - position 5 = 2, and all of them are ends of transactions: records lag 0',
    ],
    ['an empty partition', { start: 5n, end: 5n }, 'known', 'log start 5 = log end 5: nothing to read, records lag 0'],
    [
      'a held row',
      { reason: 'timeout', held: { position: 60n, start: 5n, end: 100n, agoMs: 15_000 } },
      'held',
      'log end 100 - position 60 = records lag 40, held from 2025-01-01T00:01:25.000Z',
    ],
    ['a missing position', { start: 1n, end: 2n, reason: 'no_position' }, 'no_position', 'no lag: position unknown'],
    [
      'a missing end',
      { position: 1n, reason: 'end_unknown' },
      'end_unknown',
      'no lag: log start unknown, log end unknown',
    ],
    [
      'a position beyond the end',
      { position: 5n, start: 0n, end: 4n, reason: 'position_beyond_end' },
      'position_beyond_end',
      'no lag: position_beyond_end',
    ],
  ])('puts the calculation of %s in words', (_, row, state, words) => {
    const found = explained(row)

    expect([found.state, found.arithmetic]).toEqual([state, words])
    expect(found.why).toBe(row.reason === undefined ? undefined : reasonText[row.reason])
  })

  it('has no request for a log offset that nobody answered', () => {
    expect(explained({ position: 1n, reason: 'end_unknown' }).requests.log_end).toEqual([])
  })
})

it('every reason has a sentence', () => {
  expect(Object.keys(reasonText).sort()).toEqual([...reasons].sort())
})
