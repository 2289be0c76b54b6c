import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { lines } from '../panels.ts'
import { consumer, consumerTopic, once, top20, topic } from '../queries.ts'

// Offsets are gauges: deriv() shows a rewind or a recreated topic as a dip, where rate() would take it for a counter
// reset and draw a spike as high as the offset.

/** Whether consumers keep up: what comes in against what is read. */
export function flow(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Produced, by topic',
      description: 'How fast the log ends move. The twenty fastest.',
      unit: 'recps',
      width: 8,
      lines: [
        {
          query: top20(
            (at) =>
              `sum by (kafka_cluster, topic) (${once(`deriv(kafka_partition_log_end_offset{${topic}}[$__rate_interval]${at})`)})`,
          ),
          legend: '{{kafka_cluster}} {{topic}}',
        },
      ],
    }),
    lines({
      title: 'Consumed, by consumer',
      description:
        'How fast the positions move. A job that commits at its checkpoints moves in steps; below zero the consumer was set back. The twenty fastest.',
      unit: 'recps',
      width: 8,
      lines: [
        {
          query: top20(
            (at) =>
              `sum by (kafka_cluster, consumer) (${once(`deriv(stream_consumer_position{${consumerTopic}}[$__rate_interval]${at})`)})`,
          ),
          legend: '{{kafka_cluster}} {{consumer}}',
        },
      ],
    }),
    lines({
      title: 'Growth of the lag, by consumer',
      description: 'Above zero the consumer falls behind, below zero it catches up. The twenty that grow fastest.',
      unit: 'recps',
      width: 8,
      lines: [
        {
          query: top20((at) => once(`deriv(stream_consumer_total_records_lag{${consumer}}[$__rate_interval]${at})`)),
          legend: '{{kafka_cluster}} {{consumer}}',
        },
      ],
    }),
  ]
}
