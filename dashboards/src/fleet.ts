import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { byConsumer, of, partitions, perConsumer, soon } from './fleet-queries.ts'
import { objectives, worstFirst } from './fleet-tables.ts'
import { framed, several, sloWindow } from './frame.ts'
import { toDashboard, uids } from './links.ts'
import { lines } from './panels/lines.ts'
import { atLeastOne, rising } from './panels/panel.ts'
import { stat } from './panels/stat.ts'
import { timeline } from './panels/timeline.ts'
import { broken, cluster, consumer, once, rank, timesTheObjective, top20 } from './queries.ts'
import { statuses, statusRanks } from './words.ts'

const headroom = `${of('stream_consumer_retention_headroom_seconds')} < ${soon}`
const drainsBefore = `${of('stream_consumer_drain_seconds')} < ${of('stream_consumer_retention_headroom_seconds')}`

/** The first page for everybody: who needs help, the worst first. */
export function fleet(): Dashboard {
  return framed({
    uid: uids.fleet,
    title: 'Fleet',
    description: 'Every consumer that Lagkeeper watches, those that need attention first',
    variables: [
      several('kafka_cluster', 'Kafka cluster', 'label_values(lagkeeper_cycle_duration_seconds, kafka_cluster)'),
      several('consumer', 'Consumer', `label_values(stream_consumer_present{${cluster}}, consumer)`),
      sloWindow(),
    ],
    alerts: ', kafka_cluster=~"$kafka_cluster", consumer=~"$consumer|"',
    rows: [
      { title: 'Now', panels: now() },
      { title: 'Worst first', panels: [worstFirst(), objectives()] },
      { title: 'Over time', panels: overTime() },
    ],
  })
}

function now(): readonly Builder<Panel>[] {
  return [
    stat({
      title: 'Consumers by status',
      description:
        'How many consumers have which status. A consumer has the status of its worst topic; docs/lag.md says what each means.',
      unit: 'none',
      width: 11,
      query: `sum by (status) (${of('stream_consumer_status')})`,
      legend: '{{status}}',
      colors: statuses,
      thresholds: [{ value: null, color: 'green' }],
      absent: 'no data',
    }),
    stat({
      title: 'Over an objective',
      description:
        'Consumers that break at least one of their objectives right now, in time or in records. Alerts wait until that has been so for a while. Empty when no objective is configured.',
      unit: 'none',
      width: 3,
      query: `sum(${perConsumer(broken(consumer))})`,
      thresholds: atLeastOne('red'),
      absent: 'no objective',
    }),
    stat({
      title: 'About to lose records',
      description:
        'Consumers whose next record may be deleted by retention within four hours, and which will not have caught up before that at their present pace. Topics whose retention is not known do not count.',
      unit: 'none',
      width: 4,
      query: `count(${perConsumer(`${headroom} unless (${drainsBefore})`)}) or 0 * sum(${of('stream_consumer_present')})`,
      thresholds: atLeastOne('red'),
      absent: 'no data',
    }),
    stat({
      title: 'Lag unknown',
      description:
        'Consumers with a partition whose lag cannot be told, for a reason other than that it was never read. Held partitions count as known.',
      unit: 'none',
      width: 2,
      query: `count(${perConsumer(partitions(', state!~"known|held|no_position"'))}) or 0 * sum(${partitions('')})`,
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
    stat({
      title: 'Vanished',
      description: 'Consumers that were there within the last 24 hours and are gone.',
      unit: 'none',
      width: 2,
      query: `sum(${of('stream_consumer_present')} == bool 0)`,
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
    stat({
      title: 'Oldest data',
      description: 'Time since the last successful read, for the source that has waited longest. Old data is no data.',
      unit: 's',
      width: 2,
      query: `max(time() - ${once('lagkeeper_source_last_success_timestamp_seconds')})`,
      thresholds: rising(60, 300),
      absent: 'no data',
      link: toDashboard('Lagkeeper itself', uids.self, {}),
    }),
  ]
}

function overTime(): readonly Builder<Panel>[] {
  return [
    timeline({
      title: 'Status of the worst',
      description:
        'The twenty consumers that are worst at the end of the shown time. A gap is a time in which Lagkeeper did not know the consumer.',
      unit: 'none',
      width: 12,
      query: top20((at) => rank(statusRanks, consumer, byConsumer, at)),
      legend: '{{kafka_cluster}} {{consumer}}',
      words: statuses,
    }),
    lines({
      title: 'Consumers that are not ok',
      description: 'How many have which status. Many at once is seldom the fault of a consumer: look at Kafka first.',
      unit: 'none',
      width: 12,
      colors: statuses,
      lines: [
        {
          query: `sum by (status) (${once(`stream_consumer_status{${consumer}, status!="ok"}`)})`,
          legend: '{{status}}',
        },
      ],
    }),
    lines({
      title: 'Time lag, by consumer',
      description:
        'How long ago the record was appended that the consumer reads next, in its worst topic. A line that stops is a lag that is not known. The twenty largest.',
      unit: 's',
      width: 12,
      lines: [
        {
          query: top20((at) => perConsumer(of('stream_consumer_time_lag_seconds', at))),
          legend: '{{kafka_cluster}} {{consumer}}',
        },
      ],
    }),
    lines({
      title: 'Lag in objectives',
      description:
        'How many times its strictest objective the lag of a consumer is. Over the dashed line the objective is broken. The twenty largest.',
      unit: 'none',
      width: 12,
      limit: 1,
      lines: [
        {
          query: top20((at) => perConsumer(timesTheObjective(consumer, at))),
          legend: '{{kafka_cluster}} {{consumer}}',
        },
      ],
    }),
    lines({
      title: 'Records lag, by consumer',
      description:
        'Sum over all topics of the consumer. A line that stops is a consumer whose lag is not known in full, never one without lag. The twenty largest.',
      unit: 'short',
      width: 12,
      lines: [
        {
          query: top20((at) => of('stream_consumer_total_records_lag', at)),
          legend: '{{kafka_cluster}} {{consumer}}',
        },
      ],
    }),
    lines({
      title: 'Records lost',
      description:
        'Records that retention deleted before the consumer read them, in the shown time. The twenty largest.',
      unit: 'short',
      width: 12,
      lines: [
        {
          query: top20(
            (at) =>
              `sum by (${byConsumer}) (${once(`increase(stream_consumer_records_lost_total{${consumer}}[$__rate_interval]${at})`)})`,
          ),
          legend: '{{kafka_cluster}} {{consumer}}',
        },
      ],
    }),
  ]
}
