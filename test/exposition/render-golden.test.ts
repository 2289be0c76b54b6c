import { expect, it } from 'vitest'
import { render } from '../../src/exposition/render.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { type FakeRow, fakeSnapshot } from '../fakes/snapshot.ts'

const billing: Consumer = { name: 'billing', kind: 'classic', group: 'billing', state: 'Stable', members: 2 }
const empty: Consumer = { name: '(empty)', kind: 'classic', group: '' }
const odd: Consumer = { name: 'q"b\\s\nn\0é😀\ud800', kind: 'flink' }
const gone: Consumer = { name: 'gone', kind: 'classic', group: 'gone', state: 'Empty', members: 0 }

const rows: readonly FakeRow[] = [
  // Above 2^53, and a position below the log start; blocks come in the order of the broker, not of names.
  { consumer: odd, topic: 'big', partition: 0, position: 2n ** 53n + 1n, start: 0n, end: 2n ** 63n - 1n },
  { consumer: odd, topic: 'big', partition: 12, position: 2n ** 32n - 1n, start: 2n ** 32n, end: 999_999_999_999n },
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
    topic: 'payments',
    partition: 0,
    position: 8n,
    start: 0n,
    end: 9n,
    reason: 'control_records_suspected',
  },
  {
    consumer: billing,
    topic: 'payments',
    partition: 1,
    start: 3n,
    end: 3n,
    reason: 'read_failed',
    held: { start: 3n, end: 3n, agoMs: 15_000 },
  },
  {
    consumer: billing,
    topic: 'refunds',
    partition: 0,
    position: 5n,
    start: 0n,
    end: 4n,
    reason: 'position_beyond_end',
  },
  { consumer: empty, topic: 'orders', partition: 0, position: 0n, start: 5n, end: 1_000_000_007n },
]

function snapshot(): Snapshot {
  const made = fakeSnapshot(rows)
  const totals = [...made.consumers, { consumer: gone, present: false }]
  return {
    ...made,
    consumers: totals.sort((a, b) => (a.consumer.name < b.consumer.name ? -1 : 1)),
    objectives: [
      { consumer: 'billing', topic: 'payments', records: 50, owner: 'pay', severity: 'critical' },
      { consumer: 'billing', topic: 'orders', records: 10, seconds: 300, owner: 'team "a"', severity: 'warning' },
      { consumer: 'billing', topic: 'orders', seconds: 86_400, owner: 'team "a"', severity: 'info' },
      { consumer: 'billing', topic: 'orders', records: 2.5, owner: 'team "a"', severity: 'critical' },
    ],
  }
}

const ODD = 'consumer="q\\"b\\\\s\\nn\0é😀\ufffd"'

const expected = `# TYPE stream_consumer_records_lag gauge
stream_consumer_records_lag{kafka_cluster="main",consumer="(empty)",topic="orders",partition="0"} 1000000002
stream_consumer_records_lag{kafka_cluster="main",consumer="billing",topic="orders",partition="0"} 7
stream_consumer_records_lag{kafka_cluster="main",consumer="billing",topic="orders",partition="1"} 40
stream_consumer_records_lag{kafka_cluster="main",consumer="billing",topic="payments",partition="0"} 1
stream_consumer_records_lag{kafka_cluster="main",consumer="billing",topic="payments",partition="1"} 0
stream_consumer_records_lag{kafka_cluster="main",${ODD},topic="big",partition="0"} 9214364837600034816
stream_consumer_records_lag{kafka_cluster="main",${ODD},topic="big",partition="12"} 995705032703
# TYPE stream_consumer_position gauge
stream_consumer_position{kafka_cluster="main",consumer="(empty)",topic="orders",partition="0"} 0
stream_consumer_position{kafka_cluster="main",consumer="billing",topic="orders",partition="0"} 1000000000
stream_consumer_position{kafka_cluster="main",consumer="billing",topic="orders",partition="1"} 60
stream_consumer_position{kafka_cluster="main",consumer="billing",topic="payments",partition="0"} 8
stream_consumer_position{kafka_cluster="main",consumer="billing",topic="refunds",partition="0"} 5
stream_consumer_position{kafka_cluster="main",${ODD},topic="big",partition="0"} 9007199254740993
stream_consumer_position{kafka_cluster="main",${ODD},topic="big",partition="12"} 4294967295
# TYPE stream_consumer_topic_records_lag gauge
stream_consumer_topic_records_lag{kafka_cluster="main",consumer="(empty)",topic="orders"} 1000000002
stream_consumer_topic_records_lag{kafka_cluster="main",consumer="billing",topic="orders"} 47
stream_consumer_topic_records_lag{kafka_cluster="main",consumer="billing",topic="payments"} 1
stream_consumer_topic_records_lag{kafka_cluster="main",${ODD},topic="big"} 9214365833305067520
# TYPE stream_consumer_total_records_lag gauge
stream_consumer_total_records_lag{kafka_cluster="main",consumer="(empty)"} 1000000002
stream_consumer_total_records_lag{kafka_cluster="main",${ODD}} 9214365833305067520
# TYPE stream_consumer_partitions gauge
stream_consumer_partitions{kafka_cluster="main",consumer="(empty)",topic="orders",state="known"} 1
stream_consumer_partitions{kafka_cluster="main",consumer="billing",topic="orders",state="known"} 1
stream_consumer_partitions{kafka_cluster="main",consumer="billing",topic="orders",state="held"} 1
stream_consumer_partitions{kafka_cluster="main",consumer="billing",topic="orders",state="no_position"} 1
stream_consumer_partitions{kafka_cluster="main",consumer="billing",topic="payments",state="known"} 1
stream_consumer_partitions{kafka_cluster="main",consumer="billing",topic="payments",state="held"} 1
stream_consumer_partitions{kafka_cluster="main",consumer="billing",topic="refunds",state="known"} 0
stream_consumer_partitions{kafka_cluster="main",consumer="billing",topic="refunds",state="position_beyond_end"} 1
stream_consumer_partitions{kafka_cluster="main",${ODD},topic="big",state="known"} 2
# TYPE stream_consumer_info gauge
stream_consumer_info{kafka_cluster="main",consumer="(empty)",kind="classic",group=""} 1
stream_consumer_info{kafka_cluster="main",consumer="billing",kind="classic",group="billing"} 1
stream_consumer_info{kafka_cluster="main",consumer="gone",kind="classic",group="gone"} 1
stream_consumer_info{kafka_cluster="main",${ODD},kind="flink"} 1
# TYPE stream_consumer_members gauge
stream_consumer_members{kafka_cluster="main",consumer="billing"} 2
# TYPE stream_consumer_group_state gauge
stream_consumer_group_state{kafka_cluster="main",consumer="billing",state="Stable"} 1
# TYPE stream_consumer_present gauge
stream_consumer_present{kafka_cluster="main",consumer="(empty)"} 1
stream_consumer_present{kafka_cluster="main",consumer="billing"} 1
stream_consumer_present{kafka_cluster="main",consumer="gone"} 0
stream_consumer_present{kafka_cluster="main",${ODD}} 1
# TYPE stream_consumer_objective_seconds gauge
stream_consumer_objective_seconds{kafka_cluster="main",consumer="billing",topic="orders",owner="team \\"a\\"",severity="info"} 86400
stream_consumer_objective_seconds{kafka_cluster="main",consumer="billing",topic="orders",owner="team \\"a\\"",severity="warning"} 300
# TYPE stream_consumer_objective_records gauge
stream_consumer_objective_records{kafka_cluster="main",consumer="billing",topic="orders",owner="team \\"a\\"",severity="critical"} 2.5
stream_consumer_objective_records{kafka_cluster="main",consumer="billing",topic="orders",owner="team \\"a\\"",severity="warning"} 10
stream_consumer_objective_records{kafka_cluster="main",consumer="billing",topic="payments",owner="pay",severity="critical"} 50
# TYPE kafka_partition_log_start_offset gauge
kafka_partition_log_start_offset{kafka_cluster="main",topic="big",partition="0"} 0
kafka_partition_log_start_offset{kafka_cluster="main",topic="big",partition="12"} 4294967296
kafka_partition_log_start_offset{kafka_cluster="main",topic="orders",partition="0"} 5
kafka_partition_log_start_offset{kafka_cluster="main",topic="orders",partition="1"} 5
kafka_partition_log_start_offset{kafka_cluster="main",topic="orders",partition="2"} 5
kafka_partition_log_start_offset{kafka_cluster="main",topic="payments",partition="0"} 0
kafka_partition_log_start_offset{kafka_cluster="main",topic="payments",partition="1"} 3
kafka_partition_log_start_offset{kafka_cluster="main",topic="refunds",partition="0"} 0
# TYPE kafka_partition_log_end_offset gauge
kafka_partition_log_end_offset{kafka_cluster="main",topic="big",partition="0"} 9223372036854775807
kafka_partition_log_end_offset{kafka_cluster="main",topic="big",partition="12"} 999999999999
kafka_partition_log_end_offset{kafka_cluster="main",topic="orders",partition="0"} 1000000007
kafka_partition_log_end_offset{kafka_cluster="main",topic="orders",partition="2"} 9
kafka_partition_log_end_offset{kafka_cluster="main",topic="payments",partition="0"} 9
kafka_partition_log_end_offset{kafka_cluster="main",topic="payments",partition="1"} 3
kafka_partition_log_end_offset{kafka_cluster="main",topic="refunds",partition="0"} 4
`

it('render() prints exactly this page for a snapshot with every edge', () => {
  const page = Buffer.concat([...render([snapshot()])]).toString()

  expect(page.replace(/^# HELP .*\n/gm, '')).toBe(expected)
})
