import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { keepingUp, lag } from './consumer-lag.ts'
import { consumer, consumerTopic, of, ofConsumer } from './consumer-queries.ts'
import { framed, lagkeeperUrl, one, several, sloWindow } from './frame.ts'
import { allRows, explainRow, filled, uids } from './links.ts'
import { lines } from './panels/lines.ts'
import { atLeastOne } from './panels/panel.ts'
import { stat } from './panels/stat.ts'
import { table } from './panels/table.ts'
import { timeline } from './panels/timeline.ts'
import { brokenFor, cluster, once, partition, rank, top20 } from './queries.ts'
import { statuses, statusRanks } from './words.ts'

/** Everything about one consumer: where alerts and the fleet lead. */
export function consumerPage(): Dashboard {
  return framed({
    uid: uids.consumer,
    title: 'Consumer',
    description: 'One consumer: how far behind it is, whether it keeps up, and what happened to it',
    variables: [
      several('kafka_cluster', 'Kafka cluster', 'label_values(lagkeeper_cycle_duration_seconds, kafka_cluster)'),
      one('consumer', 'Consumer', `label_values(stream_consumer_present{${cluster}}, consumer)`),
      several('topic', 'Topic', `label_values(stream_consumer_partitions{${consumer}}, topic)`),
      several('partition', 'Partition', `label_values(stream_consumer_position{${consumerTopic}}, partition)`),
      sloWindow(),
      lagkeeperUrl(),
    ],
    alerts: `, kafka_cluster=~"$kafka_cluster", consumer=~"${filled('consumer:regex')}|"`,
    links: [allRows],
    rows: [
      { title: 'Now', panels: now() },
      { title: 'Lag', panels: lag() },
      { title: 'Does it keep up?', panels: keepingUp() },
      { title: 'What happened', panels: history() },
      { title: 'Partitions', panels: partitions() },
    ],
  })
}

function now(): readonly Builder<Panel>[] {
  return [
    stat({
      title: 'Status',
      description: 'That of its worst topic. Lagkeeper says why in its console and in /api/v1/consumers.',
      unit: 'none',
      width: 4,
      query: rank(statusRanks, consumer, 'consumer'),
      words: statuses,
      thresholds: [{ value: null, color: 'text' }],
      absent: 'no data',
    }),
    stat({
      title: 'Time lag',
      description:
        'How long ago the record was appended that the consumer reads next, in the worst of the chosen topics. Empty when a partition that counts is unknown.',
      unit: 's',
      width: 4,
      query: `max(${of('stream_consumer_time_lag_seconds')})`,
      thresholds: [{ value: null, color: 'blue' }],
      absent: 'unknown',
    }),
    stat({
      title: 'Records lag',
      description: 'Sum over the chosen topics. Empty when none of them is known in full.',
      unit: 'short',
      width: 4,
      query: `sum(${of('stream_consumer_topic_records_lag')})`,
      thresholds: [{ value: null, color: 'blue' }],
      absent: 'unknown',
    }),
    stat({
      title: 'Objective kept',
      description: 'Share of the chosen window in which the least kept of its objectives was kept.',
      unit: 'percentunit',
      width: 4,
      query: `1 - max(${brokenFor(consumerTopic)})`,
      thresholds: [
        { value: null, color: 'red' },
        { value: 0.95, color: 'orange' },
        { value: 0.99, color: 'green' },
      ],
      absent: 'no objective',
    }),
    stat({
      title: 'Caught up in',
      description: 'Time until the lag is gone if both rates stay as they are. Empty when the lag does not shrink.',
      unit: 's',
      width: 4,
      query: `max(${of('stream_consumer_drain_seconds')})`,
      thresholds: [{ value: null, color: 'blue' }],
      absent: 'not shrinking',
    }),
    stat({
      title: 'Retention headroom',
      description:
        'Time until retention may delete the next record if the consumer stays where it is, the smallest of its topics. Empty without lag, or when the retention is not known.',
      unit: 's',
      width: 4,
      query: `min(${of('stream_consumer_retention_headroom_seconds')})`,
      thresholds: [
        { value: null, color: 'red' },
        { value: 14_400, color: 'green' },
      ],
      absent: 'nothing at risk',
    }),
  ]
}

function history(): readonly Builder<Panel>[] {
  return [
    timeline({
      title: 'Status over time',
      description: 'A gap is a time in which Lagkeeper did not know the consumer.',
      unit: 'none',
      width: 24,
      height: 5,
      query: rank(statusRanks, consumer, 'kafka_cluster, consumer'),
      legend: '{{kafka_cluster}} {{consumer}}',
      words: statuses,
    }),
    lines({
      title: 'Members',
      description: 'Live members of the group. Flink jobs that assign partitions themselves have none.',
      unit: 'none',
      width: 8,
      lines: [
        { query: `max by (kafka_cluster) (${ofConsumer('stream_consumer_members')})`, legend: '{{kafka_cluster}}' },
      ],
    }),
    lines({
      title: 'Rewinds',
      description: 'Times at which the position was set back. A topic that was created anew is none.',
      unit: 'none',
      width: 8,
      lines: [
        {
          query: `sum by (topic) (${once(`increase(stream_consumer_rewinds_total{${consumerTopic}}[$__rate_interval])`)})`,
          legend: '{{topic}}',
        },
      ],
    }),
    lines({
      title: 'Records lost to retention',
      description: 'Records that were deleted before the consumer read them.',
      unit: 'short',
      width: 8,
      lines: [
        {
          query: `sum by (topic) (${once(`increase(stream_consumer_records_lost_total{${consumerTopic}}[$__rate_interval])`)})`,
          legend: '{{topic}}',
        },
      ],
    }),
    stat({
      title: 'Group state',
      description: 'In the words of Kafka. Empty for a consumer that is no group.',
      unit: 'none',
      width: 6,
      query: `max by (state) (${ofConsumer('stream_consumer_group_state')})`,
      legend: '{{state}}',
      showsName: true,
      thresholds: [{ value: null, color: 'blue' }],
      absent: 'no group',
    }),
    stat({
      title: 'Kind',
      description: 'Who keeps the position, and the group it is kept for.',
      unit: 'none',
      width: 6,
      query: `max by (kind, group) (${ofConsumer('stream_consumer_info')})`,
      legend: '{{kind}} {{group}}',
      showsName: true,
      thresholds: [{ value: null, color: 'blue' }],
      absent: 'no data',
    }),
    stat({
      title: 'Partitions that are not known',
      description:
        'By state. held: the last complete row is shown while a read fails. no_position: never read. Everything else is the reason why the lag is missing.',
      unit: 'none',
      width: 12,
      query: `sum by (state) (${once(`stream_consumer_partitions{${consumerTopic}, state!="known"}`)}) or on () 0 * sum(${of('stream_consumer_partitions')})`,
      legend: '{{state}}',
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
  ]
}

function partitions(): readonly Builder<Panel>[] {
  const which = `${consumerTopic}, ${partition}`
  const position = once(`stream_consumer_position{${which}}`)
  const each = 'kafka_cluster, topic, partition'
  const log = (metric: string) =>
    `max by (${each}) (${metric}{${cluster}, topic=~"$topic", ${partition}}) and on (${each}) ${position}`
  return [
    table({
      title: 'Partitions, furthest behind first',
      description:
        'Position, log and lag of each chosen partition. Click a partition to have Lagkeeper explain its numbers: which request brought each, when, and how the lag was calculated.',
      unit: 'short',
      width: 12,
      height: 11,
      sortBy: ['lag'],
      links: { partition: [explainRow] },
      columns: [
        { query: `max by (${each}) (${once(`stream_consumer_records_lag{${which}}`)})`, title: 'lag', unit: 'short' },
        { query: `max by (${each}) (${position})`, title: 'position', unit: 'locale' },
        { query: log('kafka_partition_log_start_offset'), title: 'log start', unit: 'locale' },
        { query: log('kafka_partition_log_end_offset'), title: 'log end', unit: 'locale' },
      ],
    }),
    lines({
      title: 'Records lag, by partition',
      description:
        'One line far above its siblings: a hot key, a stuck task, or a partition that nobody reads. The twenty largest.',
      unit: 'short',
      width: 12,
      height: 11,
      lines: [
        {
          query: top20((at) => once(`stream_consumer_records_lag{${which}}${at}`)),
          legend: '{{topic}}/{{partition}}',
        },
      ],
    }),
  ]
}
