import { describe, expect, it } from 'vitest'
import { kafkaExporterFamilies, kafkaLagExporterFamilies } from '../../src/exposition/compat-families.ts'
import type { Family } from '../../src/exposition/families.ts'
import { lagFamilies, selfFamilies } from '../../src/exposition/families.ts'
import { render, type TableName } from '../../src/exposition/render.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { type FakeRow, fakeParts, fakeSnapshot } from '../fakes/snapshot.ts'
import { syntheticSnapshot } from '../fakes/synthetic-snapshot.ts'
import { parsePage } from './parse-page.ts'

const billing: Consumer = { name: 'billing', kind: 'classic', group: 'billing', state: 'Stable', members: 2 }
const odd: Consumer = { name: 'q"b\\\n', kind: 'consumer', group: 'q"b\\\n' }
const old: Consumer = { name: 'old', kind: 'zookeeper', group: 'old' }

const rows: readonly FakeRow[] = [
  { consumer: billing, topic: 'orders', partition: 0, position: 1_000_000_000n, start: 5n, end: 1_000_000_007n },
  {
    consumer: billing,
    topic: 'orders',
    partition: 1,
    position: 70n,
    start: 5n,
    reason: 'end_unknown',
    held: { position: 60n, start: 5n, end: 100n, agoMs: 15_000 },
  },
  { consumer: billing, topic: 'orders', partition: 2, start: 5n, end: 9n, reason: 'no_position' },
  {
    consumer: billing,
    topic: 'refunds',
    partition: 0,
    position: 5n,
    start: 0n,
    end: 4n,
    reason: 'position_beyond_end',
  },
  { consumer: odd, topic: 'big', partition: 0, position: 2n ** 53n + 1n, start: 0n, end: 2n ** 63n - 1n },
  { consumer: odd, topic: 'late', partition: 0, start: 1n, end: 2n, reason: 'timeout' },
  { consumer: old, topic: 'orders', partition: 0, position: 0n, start: 5n, end: 1_000_000_007n },
]

function pageOf(snapshots: readonly Snapshot[], ...tables: TableName[]): string {
  return Buffer.concat([...render(snapshots, { tables })]).toString()
}

const ODD = 'q\\"b\\\\\\n'
const nobody = 'member_host="unknown",consumer_id="unknown",client_id="unknown"'

describe('the names of kafka_exporter', () => {
  const made = fakeSnapshot(rows)
  const page = pageOf(
    [{ ...made, catalog: { ...made.catalog, leader: Int32Array.of(1, -1, 2, 3, 1, 1) } }],
    'kafka_exporter',
  )

  it('print a page of known, held and missing numbers, to the byte', () => {
    expect(page.replace(/^# HELP .*\n/gm, '')).toBe(`# TYPE kafka_brokers gauge
kafka_brokers{kafka_cluster="main"} 1
# TYPE kafka_broker_info gauge
kafka_broker_info{kafka_cluster="main",id="1",address="broker1:9092"} 1
# TYPE kafka_topic_partitions gauge
kafka_topic_partitions{kafka_cluster="main",topic="big"} 1
kafka_topic_partitions{kafka_cluster="main",topic="late"} 1
kafka_topic_partitions{kafka_cluster="main",topic="orders"} 3
kafka_topic_partitions{kafka_cluster="main",topic="refunds"} 1
# TYPE kafka_topic_partition_current_offset gauge
kafka_topic_partition_current_offset{kafka_cluster="main",topic="big",partition="0"} 9223372036854775807
kafka_topic_partition_current_offset{kafka_cluster="main",topic="late",partition="0"} 2
kafka_topic_partition_current_offset{kafka_cluster="main",topic="orders",partition="0"} 1000000007
kafka_topic_partition_current_offset{kafka_cluster="main",topic="orders",partition="2"} 9
kafka_topic_partition_current_offset{kafka_cluster="main",topic="refunds",partition="0"} 4
# TYPE kafka_topic_partition_oldest_offset gauge
kafka_topic_partition_oldest_offset{kafka_cluster="main",topic="big",partition="0"} 0
kafka_topic_partition_oldest_offset{kafka_cluster="main",topic="late",partition="0"} 1
kafka_topic_partition_oldest_offset{kafka_cluster="main",topic="orders",partition="0"} 5
kafka_topic_partition_oldest_offset{kafka_cluster="main",topic="orders",partition="1"} 5
kafka_topic_partition_oldest_offset{kafka_cluster="main",topic="orders",partition="2"} 5
kafka_topic_partition_oldest_offset{kafka_cluster="main",topic="refunds",partition="0"} 0
# TYPE kafka_topic_partition_leader gauge
kafka_topic_partition_leader{kafka_cluster="main",topic="big",partition="0"} 1
kafka_topic_partition_leader{kafka_cluster="main",topic="orders",partition="0"} 2
kafka_topic_partition_leader{kafka_cluster="main",topic="orders",partition="1"} 3
kafka_topic_partition_leader{kafka_cluster="main",topic="orders",partition="2"} 1
kafka_topic_partition_leader{kafka_cluster="main",topic="refunds",partition="0"} 1
# TYPE kafka_consumergroup_current_offset gauge
kafka_consumergroup_current_offset{kafka_cluster="main",consumergroup="billing",topic="orders",partition="0"} 1000000000
kafka_consumergroup_current_offset{kafka_cluster="main",consumergroup="billing",topic="orders",partition="1"} 60
kafka_consumergroup_current_offset{kafka_cluster="main",consumergroup="billing",topic="refunds",partition="0"} 5
kafka_consumergroup_current_offset{kafka_cluster="main",consumergroup="${ODD}",topic="big",partition="0"} 9007199254740993
# TYPE kafka_consumergroup_current_offset_sum gauge
kafka_consumergroup_current_offset_sum{kafka_cluster="main",consumergroup="billing",topic="orders"} 1000000060
kafka_consumergroup_current_offset_sum{kafka_cluster="main",consumergroup="billing",topic="refunds"} 5
kafka_consumergroup_current_offset_sum{kafka_cluster="main",consumergroup="${ODD}",topic="big"} 9007199254740992
# TYPE kafka_consumergroup_lag gauge
kafka_consumergroup_lag{kafka_cluster="main",consumergroup="billing",topic="orders",partition="0"} 7
kafka_consumergroup_lag{kafka_cluster="main",consumergroup="billing",topic="orders",partition="1"} 40
kafka_consumergroup_lag{kafka_cluster="main",consumergroup="${ODD}",topic="big",partition="0"} 9214364837600034816
# TYPE kafka_consumergroup_lag_sum gauge
kafka_consumergroup_lag_sum{kafka_cluster="main",consumergroup="billing",topic="orders"} 47
kafka_consumergroup_lag_sum{kafka_cluster="main",consumergroup="${ODD}",topic="big"} 9214364837600034816
# TYPE kafka_consumergroupzookeeper_lag_zookeeper gauge
kafka_consumergroupzookeeper_lag_zookeeper{kafka_cluster="main",consumergroup="old",topic="orders",partition="0"} 1000000002
# TYPE kafka_consumergroup_members gauge
kafka_consumergroup_members{kafka_cluster="main",consumergroup="billing"} 2
`)
  })

  it('have no number below 0 where the exporter has -1 or a negative lag', () => {
    expect(parsePage(Buffer.from(page)).filter(({ value }) => Number(value) < 0)).toEqual([])
  })
})

describe('the names of kafka-lag-exporter', () => {
  it('print a page of known, held and missing numbers, to the byte', () => {
    const page = pageOf([fakeSnapshot(rows)], 'kafka_lag_exporter').replace(/^# HELP .*\n/gm, '')

    expect(page.slice(page.indexOf('# TYPE kafka_consumergroup'))).toBe(`# TYPE kafka_consumergroup_group_offset gauge
kafka_consumergroup_group_offset{${nobody},cluster_name="main",group="billing",topic="orders",partition="0"} 1000000000
kafka_consumergroup_group_offset{${nobody},cluster_name="main",group="billing",topic="orders",partition="1"} 60
kafka_consumergroup_group_offset{${nobody},cluster_name="main",group="billing",topic="refunds",partition="0"} 5
kafka_consumergroup_group_offset{${nobody},cluster_name="main",group="old",topic="orders",partition="0"} 0
kafka_consumergroup_group_offset{${nobody},cluster_name="main",group="${ODD}",topic="big",partition="0"} 9007199254740993
# TYPE kafka_consumergroup_group_lag gauge
kafka_consumergroup_group_lag{${nobody},cluster_name="main",group="billing",topic="orders",partition="0"} 7
kafka_consumergroup_group_lag{${nobody},cluster_name="main",group="billing",topic="orders",partition="1"} 40
kafka_consumergroup_group_lag{${nobody},cluster_name="main",group="old",topic="orders",partition="0"} 1000000002
kafka_consumergroup_group_lag{${nobody},cluster_name="main",group="${ODD}",topic="big",partition="0"} 9214364837600034816
# TYPE kafka_consumergroup_group_topic_sum_lag gauge
kafka_consumergroup_group_topic_sum_lag{cluster_name="main",group="billing",topic="orders"} 47
kafka_consumergroup_group_topic_sum_lag{cluster_name="main",group="old",topic="orders"} 1000000002
kafka_consumergroup_group_topic_sum_lag{cluster_name="main",group="${ODD}",topic="big"} 9214364837600034816
# TYPE kafka_consumergroup_group_max_lag gauge
kafka_consumergroup_group_max_lag{cluster_name="main",group="old"} 1000000002
# TYPE kafka_consumergroup_group_sum_lag gauge
kafka_consumergroup_group_sum_lag{cluster_name="main",group="old"} 1000000002
`)
  })

  it('have the largest lag of a consumer over all that brokers answered, held rows included', () => {
    const some = rows.slice(0, 2)
    const split = fakeParts(fakeSnapshot(some), [[some[1]!], [some[0]!]])

    const samples = parsePage(Buffer.from(pageOf([split], 'kafka_lag_exporter')))

    expect(samples.filter(({ name }) => name.endsWith('max_lag')).map(({ value }) => value)).toEqual(['40'])
  })
})

describe('a page with several sets of names', () => {
  it('has no series twice, with several clusters and old consumers', () => {
    const snapshots = [fakeSnapshot(rows), fakeSnapshot(rows, { kafkaCluster: 'aux' })]

    const samples = parsePage(Buffer.from(pageOf(snapshots, 'lagkeeper', 'kafka_exporter', 'kafka_lag_exporter')))

    const keys = samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]))
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('has every name once in all tables together', () => {
    const families: readonly Family[] = [
      ...Object.values(lagFamilies),
      ...Object.values(selfFamilies),
      ...Object.values(kafkaExporterFamilies),
      ...Object.values(kafkaLagExporterFamilies),
    ]

    expect(new Set(families.map(({ name }) => name)).size).toBe(families.length)
  })

  it('counts against a limit what it prints', () => {
    const snapshot = syntheticSnapshot({ consumers: 20, topicsPerConsumer: 4, partitions: 5, topics: 8 })
    const tables = ['lagkeeper', 'kafka_exporter', 'kafka_lag_exporter'] as const
    const all = parsePage(Buffer.from(pageOf([snapshot], ...tables))).length
    let dropped = 0

    const cut = Buffer.concat([
      ...render([snapshot], {
        tables,
        limits: { perKafkaCluster: all - 1, perPage: all },
        onDropped: (_, __, count) => {
          dropped += count
        },
      }),
    ])

    const printed = parsePage(cut).length
    expect(printed).toBeLessThan(all)
    expect(printed + dropped).toBe(all)
  })

  it('takes small steps for 100,000 rows', () => {
    const snapshot = syntheticSnapshot({ consumers: 50, topicsPerConsumer: 2, partitions: 1000, topics: 2 })

    const steps = [...render([snapshot], { tables: ['kafka_exporter', 'kafka_lag_exporter'] })].map(
      ({ length }) => length,
    )

    expect(Math.max(...steps)).toBeLessThanOrEqual(256 * 1024)
    expect(steps.length).toBeGreaterThan(100)
  })
})
