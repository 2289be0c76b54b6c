import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { atLeastOne, lines, stat, table } from '../panels.ts'
import { consumer, consumerTopic, once } from '../queries.ts'

const lag = once(`stream_consumer_topic_records_lag{${consumerTopic}}`)
const objective = once(`stream_consumer_objective_records{${consumerTopic}}`)
const partitions = (state: string) => once(`stream_consumer_partitions{${consumerTopic}${state}}`)

/** What somebody has to look at, first of all. Each number is 0 only when that is known. */
export function attention(): readonly Builder<Panel>[] {
  return [
    stat({
      title: 'Consumers over an objective',
      description:
        'Consumers whose records lag is over at least one of their objectives right now. The alert waits until that has been so for ten minutes. Empty when no objective is configured.',
      unit: 'none',
      width: 4,
      query: `sum(max by (kafka_cluster, consumer) (${lag} > bool ignoring (owner, severity) group_right () ${objective}))`,
      thresholds: atLeastOne('red'),
      absent: 'no objective',
    }),
    stat({
      title: 'Partitions with unknown lag',
      description:
        'Partitions that a consumer should read and whose lag cannot be told, for a reason other than that it has never read them. Held partitions count as known.',
      unit: 'none',
      width: 4,
      query: `sum(${partitions(', state!~"known|held|no_position"')}) or 0 * sum(${partitions('')})`,
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
    stat({
      title: 'Vanished consumers',
      description: 'Consumers that were there within the last 24 hours and are gone.',
      unit: 'none',
      width: 4,
      query: `sum(${once(`stream_consumer_present{${consumer}}`)} == bool 0)`,
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
    stat({
      title: 'Sources down',
      description:
        'Kafka clusters and other sources of which no replica could read anything the last time. What depends on them is unknown.',
      unit: 'none',
      width: 4,
      query: `sum(${once('lagkeeper_source_up')} == bool 0)`,
      thresholds: atLeastOne('red'),
      absent: 'no data',
    }),
    stat({
      title: 'Oldest data',
      description: 'Time since the last successful read, for the source that has waited longest.',
      unit: 's',
      width: 4,
      query: `max(time() - ${once('lagkeeper_source_last_success_timestamp_seconds')})`,
      thresholds: [
        { value: null, color: 'green' },
        { value: 60, color: 'orange' },
        { value: 300, color: 'red' },
      ],
      absent: 'no data',
    }),
    stat({
      title: 'Lagkeepers',
      description: 'Replicas that Prometheus can scrape.',
      unit: 'none',
      width: 4,
      query: 'count(lagkeeper_build_info)',
      thresholds: [
        { value: null, color: 'red' },
        { value: 1, color: 'green' },
      ],
      absent: 'none',
    }),
    table({
      title: 'Over their objective, worst first',
      description:
        'Consumer and topic, who owns the objective, the present lag, and how many times the objective it is. Click a consumer to see it alone.',
      unit: 'short',
      width: 12,
      sortBy: 'times the objective',
      columns: [
        {
          query: `max by (kafka_cluster, consumer, topic, owner, severity) (${lag} > ignoring (owner, severity) group_right () ${objective})`,
          title: 'records lag',
          unit: 'short',
        },
        {
          query: `max by (kafka_cluster, consumer, topic, owner, severity) (${lag} / ignoring (owner, severity) group_right () ${objective}) > 1`,
          title: 'times the objective',
          unit: 'none',
        },
      ],
    }),
    lines({
      title: 'Partitions that are not known, by state',
      description:
        'held: the last complete row is shown while a read fails. no_position: never read by the consumer. Everything else is the reason why the lag is missing. Nothing here means that every partition is known.',
      unit: 'none',
      width: 12,
      lines: [{ query: `sum by (state) (${partitions(', state!="known"')})`, legend: '{{state}}' }],
    }),
  ]
}
