import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { lines, table } from '../panels.ts'
import { consumer, consumerTopic, once, top20 } from '../queries.ts'

const perConsumer = (series: string, labels = '') => `max by (kafka_cluster, consumer${labels}) (${series})`

/** How far behind everybody is. */
export function lag(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Records lag by consumer',
      description:
        'Sum over all topics of the consumer. A line that stops is a consumer whose lag is not known in full, never one without lag. The twenty largest.',
      unit: 'short',
      width: 12,
      lines: [
        {
          query: top20((at) => once(`stream_consumer_total_records_lag{${consumer}}${at}`)),
          legend: '{{kafka_cluster}} {{consumer}}',
        },
      ],
    }),
    lines({
      title: 'Lag as a share of its objective',
      description:
        'Over the dashed line the objective is broken; the alert fires when the lower edge has been over it for ten minutes. The twenty largest.',
      unit: 'percentunit',
      width: 12,
      limit: 1,
      lines: [
        {
          query: top20(
            (at) =>
              `(${once(`stream_consumer_topic_records_lag{${consumerTopic}}${at}`)} / ignoring (owner, severity) group_right () ${once(`stream_consumer_objective_records{${consumerTopic}}${at}`)})`,
          ),
          legend: '{{consumer}} {{topic}} ({{owner}}, {{severity}})',
        },
      ],
    }),
    lines({
      title: 'Records lag by topic',
      description: 'Sum over the partitions of the topic. The twenty largest.',
      unit: 'short',
      width: 24,
      lines: [
        {
          query: top20((at) => once(`stream_consumer_topic_records_lag{${consumerTopic}}${at}`)),
          legend: '{{consumer}} {{topic}}',
        },
      ],
    }),
    table({
      title: 'Consumers',
      description:
        'Every consumer with what is known about it. Total lag is empty when a partition that counts is unknown; present is 0 for a day after a consumer is gone. Click a consumer to see it alone.',
      unit: 'short',
      width: 24,
      sortBy: 'records lag',
      columns: [
        {
          query: perConsumer(`stream_consumer_total_records_lag{${consumer}}`),
          title: 'records lag',
          unit: 'short',
        },
        {
          query: `sum by (kafka_cluster, consumer) (${once(`stream_consumer_partitions{${consumer}, state!~"known|held"}`)})`,
          title: 'partitions without lag',
          unit: 'none',
        },
        { query: perConsumer(`stream_consumer_members{${consumer}}`), title: 'members', unit: 'none' },
        { query: perConsumer(`stream_consumer_group_state{${consumer}}`, ', state') },
        { query: perConsumer(`stream_consumer_info{${consumer}}`, ', kind') },
        { query: perConsumer(`stream_consumer_present{${consumer}}`), title: 'present', unit: 'none' },
      ],
    }),
  ]
}

/** Folded away: with everything chosen this reads every partition of every consumer. */
export function partitions(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Records lag by partition',
      description:
        'One line far above its siblings: a hot key, a stuck task, or a partition that nobody reads. The twenty largest.',
      unit: 'short',
      width: 24,
      lines: [
        {
          query: top20((at) => once(`stream_consumer_records_lag{${consumerTopic}}${at}`)),
          legend: '{{consumer}} {{topic}}/{{partition}}',
        },
      ],
    }),
  ]
}
