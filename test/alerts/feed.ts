import { type Served, serve } from '../dashboards/serve.ts'
import { families } from './promql.ts'

type Labels = Readonly<Record<string, string>>

/** A page in the place of Lagkeeper's, on which much is wrong at once. Its counters grow. */
export function startTroubledFeed(): Promise<Served> {
  return serve('text/plain; version=0.0.4; charset=utf-8', () => page(Math.floor(Date.now() / 1_000)))
}

const etl = { kafka_cluster: 'main', consumer: 'prod/etl' }
const orders = { ...etl, topic: 'orders' }
const left = { kafka_cluster: 'main', consumer: 'left', topic: 'stock' }
const job = { flink_cluster: 'prod', flink_job: 'etl' }
const quiet = { flink_cluster: 'edge', flink_job: 'audit' }
const payments = { owner: 'payments' }

/**
 * `prod/etl` stands still, is over both of its promises on `orders`, loses records and was set back; its job is down.
 * `left` has nothing promised and is about to lose records. `edge` cannot be read, and its JobManager does not answer.
 */
function page(now: number): string {
  return [
    line('stream_consumer_time_lag_seconds', orders, 700),
    line('stream_consumer_position_changed_timestamp_seconds', orders, now - 700),
    line('stream_consumer_commit_interval_seconds', orders, 15),
    line('stream_consumer_topic_records_lag', orders, 500),
    line('stream_consumer_produce_records_per_second', orders, 1),
    line('stream_consumer_objective_seconds', { ...orders, ...payments, severity: 'critical' }, 300),
    line('stream_consumer_objective_seconds', { ...orders, ...payments, severity: 'info' }, 900),
    line('stream_consumer_objective_records', { ...orders, ...payments, severity: 'warning' }, 400),
    line('stream_consumer_records_lost_total', orders, now * 3),
    line('stream_consumer_rewinds_total', orders, now),
    ...['ok', 'lagging', 'stalled', 'stopped'].map((status) =>
      line('stream_consumer_status', { ...etl, status }, status === 'stalled' ? 1 : 0),
    ),
    line('stream_consumer_retention_headroom_seconds', left, 3_600),
    line('stream_consumer_time_lag_seconds', left, 90_000),
    line('stream_consumer_position_changed_timestamp_seconds', left, now - 90_000),
    line('stream_consumer_produce_records_per_second', left, 10),
    line('stream_consumer_consume_records_per_second', left, 5),
    line('stream_consumer_partitions', { ...etl, topic: 'secret', state: 'unauthorized' }, 2),
    line('stream_consumer_present', { kafka_cluster: 'edge', consumer: 'billing' }, 0),
    line('stream_job_expected_running', job, 1),
    line('stream_job_state', { ...job, state: 'running' }, 0),
    line('stream_job_state', { ...job, state: 'failed' }, 1),
    line('stream_job_state', { ...quiet, state: 'unknown' }, 1),
    line('stream_job_restarts_total', job, now),
    line('stream_job_finding', { ...job, finding: 'checkpoint_overdue' }, 1),
    line('stream_job_finding', { ...job, finding: 'group_shared' }, 1),
    line('lagkeeper_build_info', { version: '0.0.0' }, 1),
    line('lagkeeper_source_up', { source: 'kafka', name: 'edge' }, 0),
    line('lagkeeper_source_up', { source: 'flink', name: 'edge' }, 0),
    line('lagkeeper_source_up', { source: 'kafka', name: 'main' }, 1),
    line('lagkeeper_source_last_success_timestamp_seconds', { source: 'kafka', name: 'edge' }, now - 300),
    line('lagkeeper_source_last_success_timestamp_seconds', { source: 'kafka', name: 'main' }, now - 5),
    line('lagkeeper_cycle_duration_seconds', { kafka_cluster: 'main' }, 45),
    line('lagkeeper_cycle_interval_seconds', { kafka_cluster: 'main' }, 15),
    line('lagkeeper_cycle_interval_seconds', { kafka_cluster: 'edge' }, 15),
    line('lagkeeper_series_dropped', { kafka_cluster: 'main', reason: 'page_limit' }, 12),
    line('lagkeeper_job_series_dropped', {}, 0),
    line('lagkeeper_targets', { state: 'listed' }, 40),
    line('lagkeeper_targets', { state: 'held' }, 0),
    line('lagkeeper_registry_last_sync_timestamp_seconds', {}, now - 1),
    line('lagkeeper_event_loop_delay_seconds', {}, 0.25),
    line('lagkeeper_config_last_reload_successful', {}, 0),
  ].join('')
}

/** Throws on a family or a set of labels that Lagkeeper does not print. */
function line(name: string, labels: Labels, value: number): string {
  const family = families.get(name)
  const expected = family?.labels.toSorted().join()
  if (expected !== Object.keys(labels).toSorted().join())
    throw new Error(`Print ${name}: labels ${Object.keys(labels).join()}, expected ${expected}`)
  const shown = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`)
  return `${name}{${shown.join(',')}} ${value}\n`
}
