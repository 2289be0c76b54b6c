import { expect, it } from 'vitest'
import { lagFamilies } from '../../src/exposition/families.ts'
import { render } from '../../src/exposition/render.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import { logOffsetColumn } from '../../src/model/log-offsets.ts'
import type { BlockViews, KnownNumbers, Snapshot } from '../../src/model/snapshot.ts'
import { type FakeRow, fakeSnapshot } from '../fakes/snapshot.ts'

const g: Consumer = { name: 'g', kind: 'classic', group: 'g' }
const share: Consumer = { name: 'share', kind: 'share', group: 'share' }
const row = (consumer: Consumer, topic: string): FakeRow => ({
  consumer,
  topic,
  partition: 0,
  position: 5n,
  start: 0n,
  end: 9n,
})
const numbers = (...values: readonly (number | undefined)[]): KnownNumbers => ({
  value: Float64Array.from(values, (value) => value ?? 0),
  known: Uint8Array.from(values, (value) => (value === undefined ? 0 : 1)),
})

/** Two blocks of g, on the topics a and b, with views; column contents do not matter to lines of topics. */
function withViews(views: BlockViews, more: Partial<Snapshot> = {}): Snapshot {
  const made = fakeSnapshot([row(g, 'a'), row(g, 'b')])
  const none = logOffsetColumn(2, 0, [])
  const logs = { stable: none, local: none, recordBytes: numbers(1, 1) }
  return { ...made, parts: made.parts.map((part) => ({ ...part, views })), views: logs, ...more }
}

/** The lines of one family, HELP left out. */
function lines(snapshot: Snapshot, family: keyof typeof lagFamilies): string[] {
  const { name } = lagFamilies[family]
  const text = Buffer.concat([...render([snapshot])]).toString()
  return text.split('\n').filter((line) => line.startsWith(name))
}

it('views are printed for the topics of which they are known, bytes without fractions', () => {
  const snapshot = withViews({
    readCommitted: numbers(3, undefined),
    coldRecords: numbers(undefined, 0),
    lagBytes: numbers(12.6, 0),
  })

  expect(lines(snapshot, 'readCommittedRecordsLag')).toEqual([
    'stream_consumer_read_committed_records_lag{kafka_cluster="main",consumer="g",topic="a"} 3',
  ])
  expect(lines(snapshot, 'coldRecords')).toEqual([
    'stream_consumer_cold_records{kafka_cluster="main",consumer="g",topic="b"} 0',
  ])
  expect(lines(snapshot, 'lagBytes')).toEqual([
    'stream_consumer_lag_bytes{kafka_cluster="main",consumer="g",topic="a"} 13',
    'stream_consumer_lag_bytes{kafka_cluster="main",consumer="g",topic="b"} 0',
  ])
})

it('lost records are printed from 0 on, but not for a consumer without positions', () => {
  const lost = new Map([['g', new Map([['b', 40]])]])
  const snapshot = withViews({}, { lost })
  const shared = fakeSnapshot([row(share, 'a')])
  const parts = shared.parts.map((part) => ({ ...part, batch: { ...part.batch, holds: 'lag' as const } }))

  expect(lines(snapshot, 'recordsLost')).toEqual([
    'stream_consumer_records_lost_total{kafka_cluster="main",consumer="g",topic="a"} 0',
    'stream_consumer_records_lost_total{kafka_cluster="main",consumer="g",topic="b"} 40',
  ])
  expect(lines({ ...shared, parts, lost: new Map() }, 'recordsLost')).toEqual([])
})

it('a family that nobody asked for is not on the page, its HELP neither', () => {
  const text = Buffer.concat([...render([fakeSnapshot([row(g, 'a')])])]).toString()

  for (const family of ['readCommittedRecordsLag', 'coldRecords', 'lagBytes', 'recordsLost'] as const)
    expect(text).not.toContain(lagFamilies[family].name)
})
