import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { framed, several } from './frame.ts'
import { uids } from './links.ts'
import { lines } from './panels/lines.ts'
import { atLeastOne, rising } from './panels/panel.ts'
import { stat } from './panels/stat.ts'
import { table } from './panels/table.ts'
import { cluster, once } from './queries.ts'
import { yesOrNo } from './words.ts'

/** The metrics of a process that is a Lagkeeper, whatever its scrape job is called. */
const ours = (series: string) => `${series} and on (job, instance) lagkeeper_build_info`
const perReplica = (series: string, labels = '') => `max by (instance${labels}) (${series})`
const replica = '{{instance}}'

/** Whether the numbers of the other dashboards can be trusted, and what they cost. */
export function self(): Dashboard {
  return framed({
    uid: uids.self,
    title: 'Lagkeeper itself',
    description: 'Whether Lagkeeper reads what it should, how old its data is, and what it costs',
    variables: [
      several('kafka_cluster', 'Kafka cluster', 'label_values(lagkeeper_cycle_duration_seconds, kafka_cluster)'),
    ],
    alerts: ', kafka_cluster=~"$kafka_cluster|", consumer="", flink_job=""',
    rows: [
      { title: 'Now', panels: now() },
      { title: 'Sources', panels: sources() },
      { title: 'What it costs', panels: costs() },
      { title: 'Processes', panels: processes() },
    ],
  })
}

function now(): readonly Builder<Panel>[] {
  return [
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
      thresholds: rising(60, 300),
      absent: 'no data',
    }),
    stat({
      title: 'Series dropped',
      description:
        'Series that a limit of the configuration leaves out of the page of one replica. Sums are right all the same.',
      unit: 'short',
      width: 4,
      query: `sum(${once(`lagkeeper_series_dropped{${cluster}}`)}) or sum(0 * ${once(`lagkeeper_series{${cluster}}`)})`,
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
    stat({
      title: 'Old configurations',
      description:
        'Replicas that found their configuration wrong when they read it again, and go on with the one before.',
      unit: 'none',
      width: 4,
      query: 'sum(lagkeeper_config_last_reload_successful == bool 0)',
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
    stat({
      title: 'Longest stall',
      description:
        'Longest time between two looks at the event loop since the last scrape. 0.25 s is what it says when nothing holds it.',
      unit: 's',
      width: 4,
      query: 'max(lagkeeper_event_loop_delay_seconds)',
      thresholds: rising(0.5, 2),
      absent: 'no data',
    }),
  ]
}

function sources(): readonly Builder<Panel>[] {
  const bySource = (series: string) => `max by (source, name) (${series})`
  return [
    table({
      title: 'Sources, oldest first',
      description: 'Whether any replica could read the source the last time, and how long ago one could.',
      unit: 'none',
      width: 8,
      sortBy: ['last answer'],
      columns: [
        { query: bySource('lagkeeper_source_up'), title: 'up', words: yesOrNo },
        {
          query: `time() - ${bySource('lagkeeper_source_last_success_timestamp_seconds')}`,
          title: 'last answer',
          unit: 's',
          thresholds: rising(60, 300),
        },
      ],
    }),
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
          query: `sum by (source, name, reason) (rate(lagkeeper_source_errors_total[$__rate_interval])) or 0 * ${bySource('lagkeeper_source_up')}`,
          legend: '{{source}} {{name}} {{reason}}',
        },
      ],
    }),
  ]
}

function costs(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Cycle, by Kafka cluster',
      description: 'How long one look at the whole cluster takes. It should stay well under the interval.',
      unit: 's',
      width: 8,
      lines: [
        {
          query: perReplica(`lagkeeper_cycle_duration_seconds{${cluster}}`, ', kafka_cluster'),
          legend: '{{kafka_cluster}} ({{instance}})',
        },
        {
          query: `max by (kafka_cluster) (lagkeeper_cycle_interval_seconds{${cluster}})`,
          legend: '{{kafka_cluster}}: interval',
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
      title: 'Answers that broke the protocol, by peer',
      description: 'Each second. A peer of a version that nobody has tried yet, or something between it and Lagkeeper.',
      unit: 'cps',
      width: 8,
      lines: [
        {
          query:
            'sum by (peer) (rate(lagkeeper_peer_decode_errors_total[$__rate_interval])) or on () 0 * count(lagkeeper_build_info)',
          legend: '{{peer}}',
        },
      ],
    }),
    lines({
      title: 'Series, by family',
      description: 'What watching costs Prometheus, for one replica.',
      unit: 'short',
      width: 12,
      lines: [{ query: `sum by (family) (${once(`lagkeeper_series{${cluster}}`)})`, legend: '{{family}}' }],
    }),
    lines({
      title: 'Series that a limit leaves out',
      description: 'By Kafka cluster and limit, and those of jobs. What granularity leaves out is not counted.',
      unit: 'short',
      width: 12,
      lines: [
        {
          query: `sum by (kafka_cluster, reason) (${once(`lagkeeper_series_dropped{${cluster}}`)}) or sum by (kafka_cluster) (0 * ${once(`lagkeeper_series{${cluster}}`)})`,
          legend: '{{kafka_cluster}} {{reason}}',
        },
        { query: 'max(lagkeeper_job_series_dropped)', legend: 'jobs' },
      ],
    }),
  ]
}

function processes(): readonly Builder<Panel>[] {
  return [
    table({
      title: 'Replicas',
      description:
        'Each Lagkeeper: its version, what it takes, whether its configuration is the newest, and how many others it sees.',
      unit: 'none',
      width: 24,
      height: 6,
      sortBy: ['memory'],
      columns: [
        { query: perReplica('lagkeeper_build_info', ', version') },
        { query: `time() - ${perReplica(ours('process_start_time_seconds'))}`, title: 'up for', unit: 's' },
        { query: perReplica(ours('process_resident_memory_bytes')), title: 'memory', unit: 'bytes' },
        { query: perReplica('lagkeeper_config_last_reload_successful'), title: 'newest configuration', words: yesOrNo },
        {
          query: `time() - ${perReplica('lagkeeper_config_last_reload_success_timestamp_seconds')}`,
          title: 'configuration read',
          unit: 's',
        },
        { query: perReplica('lagkeeper_replicas'), title: 'replicas seen', unit: 'none' },
      ],
    }),
    lines({
      title: 'Event loop delay, by replica',
      description:
        'Longest time between two looks since the scrape before; it is looked at every 0.25 s. Over the dashed line scrapes and leases are late.',
      unit: 's',
      width: 6,
      limit: 0.5,
      lines: [{ query: 'lagkeeper_event_loop_delay_seconds', legend: replica }],
    }),
    lines({
      title: 'Memory, by replica',
      description: 'Resident memory of the process, and dashed what of it is the heap in use.',
      unit: 'bytes',
      width: 6,
      lines: [
        { query: perReplica(ours('process_resident_memory_bytes')), legend: replica },
        { query: perReplica(ours('nodejs_heap_size_used_bytes')), legend: 'heap of {{instance}}', isDashed: true },
      ],
    }),
    lines({
      title: 'Processor, by replica',
      description: 'Share of one core. The event loop has one; parts of TLS and compression run beside it.',
      unit: 'percentunit',
      width: 6,
      lines: [{ query: perReplica(ours('rate(process_cpu_seconds_total[$__rate_interval])')), legend: replica }],
    }),
    lines({
      title: 'Open files, by replica',
      description: 'Connections and files that are open, and dashed how many may be.',
      unit: 'none',
      width: 6,
      lines: [
        { query: perReplica(ours('process_open_fds')), legend: replica },
        { query: perReplica(ours('process_max_fds')), legend: 'limit of {{instance}}', isDashed: true },
      ],
    }),
  ]
}
