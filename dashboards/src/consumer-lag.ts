import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { byTopic, of, topicName } from './consumer-queries.ts'
import { lines } from './panels/lines.ts'
import { top20 } from './queries.ts'

/** How far behind one consumer is, against what is promised. */
export function lag(): readonly Builder<Panel>[] {
  const time = of('stream_consumer_time_lag_seconds')
  const about = of('stream_consumer_time_lag_uncertainty_seconds')
  return [
    lines({
      title: 'Time lag, worst topic',
      description:
        'The band is where the truth lies: the lag with its uncertainty. Dashed: what is promised, the strictest objective of each owner and severity.',
      unit: 's',
      width: 12,
      lines: [
        { query: `max(${time} + ${about})`, legend: 'at most', bandDownTo: 'at least' },
        { query: `max(clamp_min(${time} - ${about}, 0))`, legend: 'at least' },
        { query: `max(${time})`, legend: 'time lag' },
        {
          query: `min by (owner, severity) (${of('stream_consumer_objective_seconds')})`,
          legend: 'promised to {{owner}} ({{severity}})',
          isDashed: true,
        },
      ],
    }),
    lines({
      title: 'Records lag, by topic',
      description:
        'Sum over the partitions of the topic; dashed: what is promised. A job that commits at its checkpoints draws a saw-tooth, of which only the lower edge is lag. The twenty largest.',
      unit: 'short',
      width: 12,
      lines: [
        { query: top20((at) => byTopic(of('stream_consumer_topic_records_lag', at))), legend: topicName },
        {
          query: `min by (owner, topic, severity) (${of('stream_consumer_objective_records')})`,
          legend: 'promised to {{owner}} on {{topic}} ({{severity}})',
          isDashed: true,
        },
      ],
    }),
    lines({
      title: 'Time lag, by topic',
      description: 'The twenty largest. A line that stops is a lag that is not known.',
      unit: 's',
      width: 12,
      lines: [{ query: top20((at) => byTopic(of('stream_consumer_time_lag_seconds', at))), legend: topicName }],
    }),
    lines({
      title: 'Age of the next record by its own timestamp',
      description:
        'Where it was looked up. Far from the time lag when producers set timestamps of their own, or when old data is loaded.',
      unit: 's',
      width: 12,
      lines: [{ query: top20((at) => byTopic(of('stream_consumer_event_time_lag_seconds', at))), legend: topicName }],
    }),
  ]
}

/** Whether it will catch up, and before what. */
export function keepingUp(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Produced and consumed',
      description: 'Records a second over all chosen topics. The lag grows while more is produced than consumed.',
      unit: 'recps',
      width: 12,
      lines: [
        { query: `sum(${of('stream_consumer_produce_records_per_second')})`, legend: 'produced' },
        { query: `sum(${of('stream_consumer_consume_records_per_second')})`, legend: 'consumed' },
      ],
    }),
    lines({
      title: 'Caught up or lost',
      description:
        'Time until the lag is gone, and time until retention may delete what was not read. Records are in danger where the second is below the first, or there is no first.',
      unit: 's',
      width: 12,
      lines: [
        { query: `max(${of('stream_consumer_drain_seconds')})`, legend: 'caught up in' },
        { query: `min(${of('stream_consumer_retention_headroom_seconds')})`, legend: 'retention headroom' },
      ],
    }),
    lines({
      title: 'Retention headroom, in records',
      description: 'Records between the log start and the position, in the partition of the topic that has fewest.',
      unit: 'short',
      width: 12,
      lines: [{ query: byTopic(of('stream_consumer_retention_headroom_records')), legend: topicName }],
    }),
    lines({
      title: 'Time since the position moved',
      description:
        'Beside it, dashed, how far apart its commits are as learnt. Several times as long with lag is a consumer that stands still.',
      unit: 's',
      width: 12,
      lines: [
        {
          query: `time() - ${byTopic(of('stream_consumer_position_changed_timestamp_seconds'))}`,
          legend: topicName,
        },
        {
          query: byTopic(of('stream_consumer_commit_interval_seconds')),
          legend: `commits of ${topicName}`,
          isDashed: true,
        },
      ],
    }),
  ]
}
