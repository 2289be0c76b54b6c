import { describe, expect, it } from 'vitest'
import { namesKafka, scannedTables } from '../../src/jobs/plan-scans.ts'

const table = 'default_catalog.default_database.orders'

describe('scannedTables()', () => {
  it.each<readonly [string, string, readonly string[]]>([
    [
      '1.9 and 1.10, and the tables of their time up to 1.13',
      `Source: KafkaTableSource(id, city) -> SourceConversion(table=[${table}, source: [KafkaTableSource(id, city)]], fields=[id, city]) -> Calc(select=[id])`,
      [table],
    ],
    [
      '1.10 with the consumer of Kafka 0.11',
      `Source: Kafka011TableSource(id) -> SourceConversion(table=[${table}, source: [Kafka011TableSource(id)]], fields=[id])`,
      [table],
    ],
    [
      'the old planner of 1.8, which names no table',
      'Source: KafkaTableSource(id, city) -> from: (id, city) -> select: (id)',
      [],
    ],
    [
      '1.11 to 1.13',
      'Source: TableSourceScan(table=[[default_catalog, default_database, orders]], fields=[id, city]) -> Calc(select=[id])',
      [table],
    ],
    [
      '1.12 with all that may come behind the name',
      'Source: TableSourceScan(table=[[default_catalog, default_database, orders, watermark=[-($1, 5000:INTERVAL SECOND)], project=[id], filter=[>(amount, 3)]]], fields=[id])',
      [table],
    ],
    [
      'an old table source in 1.11',
      'Source: LegacyTableSourceScan(table=[[default_catalog, default_database, orders, source: [CsvTableSource(read fields: id)]]], fields=[id])',
      [table],
    ],
    [
      '1.14 for Kafka',
      `Source: KafkaSource-${table} -> Calc(select=[id]) -> Sink: Sink(table=[c.d.v1], fields=[id])`,
      [table],
    ],
    ['1.14 for Kafka, unchained', `Source: KafkaSource-${table}`, [table]],
    [
      '1.15 and later',
      '[1]:TableSourceScan(table=[[default_catalog, default_database, orders]], fields=[id])\n+- [2]:Calc(select=[id])\n   +- [3]:Sink(table=[default_catalog.default_database.void], fields=[id])\n',
      [table],
    ],
    [
      'several in one chain',
      '[1]:TableSourceScan(table=[[c, d, a]], fields=[x]) , [2]:TableSourceScan(table=[[c, d, b]], fields=[x]) -> [3]:MultipleInput(…)',
      ['c.d.a', 'c.d.b'],
    ],
    [
      'a stream that was made a table, which is read once however often it is converted',
      'Source: x -> SourceConversion(table=[Unregistered_DataStream_1], fields=[f0])',
      [],
    ],
    ['a look-up, which scans nothing', 'LookupJoin(table=[c.d.dim], joinType=[LeftOuterJoin])', []],
    ['a DataStream source', 'Source: KafkaSource-mine -> Map', []],
    ['a cut-off text', 'TableSourceScan(table=[[default_catalog, default_', []],
  ])('knows %s', (_, description, tables) => {
    expect(scannedTables(description)).toEqual(tables)
  })

  it('is quick with hostile text', () => {
    const text = `${'TableSourceScan(table=[['.repeat(20_000)}${'a, '.repeat(100_000)}`
    const startedAt = performance.now()

    scannedTables(text)

    expect(performance.now() - startedAt).toBeLessThan(500)
  })
})

it('namesKafka() sees what says it itself', () => {
  expect(namesKafka('Source: KafkaSource-c.d.t -> Calc')).toBe(true)
  expect(namesKafka('Source: Kafka payments\n+- Map')).toBe(true)
  expect(namesKafka('Source: Custom Source -> Sink: Kafka sink')).toBe(true)
  expect(namesKafka('Sink: Kafka sink')).toBe(false)
  expect(namesKafka('[1]:TableSourceScan(table=[[c, d, t]], fields=[x])')).toBe(false)
})
