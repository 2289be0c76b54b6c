import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { lines } from '../panels.ts'
import { cluster, once } from '../queries.ts'

/** Whether the numbers above can be trusted, and what they cost. */
export function self(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Age of the data, by source',
      description: 'Time since the last successful read. A saw-tooth as high as the interval is healthy.',
      unit: 's',
      width: 8,
      lines: [
        {
          query: `time() - ${once('lagkeeper_source_last_success_timestamp_seconds')}`,
          legend: '{{source}} {{name}}',
        },
      ],
    }),
    lines({
      title: 'Failed reads, by source and reason',
      description: 'Things that could not be read, each second. A source without failures is a line at zero.',
      unit: 'cps',
      width: 8,
      lines: [
        {
          query:
            'sum by (source, name, reason) (rate(lagkeeper_source_errors_total[$__rate_interval])) or 0 * max by (source, name) (lagkeeper_source_up)',
          legend: '{{source}} {{name}} {{reason}}',
        },
      ],
    }),
    lines({
      title: 'Cycle, by Kafka cluster',
      description: 'How long one look at the whole cluster takes. It should stay well under the interval.',
      unit: 's',
      width: 8,
      lines: [
        {
          query: `max by (kafka_cluster, instance) (lagkeeper_cycle_duration_seconds{${cluster}})`,
          legend: '{{kafka_cluster}} ({{instance}})',
        },
      ],
    }),
    lines({
      title: 'Requests to Kafka, by API',
      description: 'What watching costs the brokers, all replicas together.',
      unit: 'reqps',
      width: 8,
      lines: [
        {
          query: `sum by (kafka_cluster, api) (rate(lagkeeper_kafka_requests_total{${cluster}}[$__rate_interval]))`,
          legend: '{{kafka_cluster}} {{api}}',
        },
      ],
    }),
    lines({
      title: 'Series, by family',
      description: 'What watching costs Prometheus, for one replica.',
      unit: 'short',
      width: 8,
      lines: [
        {
          query: `sum by (family) (${once(`lagkeeper_series{${cluster}}`)})`,
          legend: '{{family}}',
        },
      ],
    }),
    lines({
      title: 'Event loop delay, by replica',
      description: 'Longest stall since the scrape before. Above 0.1 s scrapes and leases are late.',
      unit: 's',
      width: 8,
      limit: 0.1,
      lines: [{ query: 'lagkeeper_event_loop_delay_seconds', legend: '{{instance}}' }],
    }),
  ]
}
