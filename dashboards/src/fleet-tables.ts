import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { byConsumer, of, perConsumer, soon } from './fleet-queries.ts'
import { toConsumer, toConsumerOnTopic } from './links.ts'
import { rising } from './panels/panel.ts'
import { table } from './panels/table.ts'
import { brokenFor, consumer, promisedOf, rank, timesTheObjective } from './queries.ts'
import { statuses, statusRanks } from './words.ts'

/** Who is worst, and what is promised. */
export function worstFirst(): Builder<Panel> {
  return table({
    title: 'Consumers, worst first',
    description:
      'By status, then by how many times its strictest objective the lag is. An empty cell is a number that is not known, or an objective that nobody gave; owner is that of the objective that is broken most. Lag grows by what comes in less what is read. Click a consumer to see it alone.',
    unit: 'short',
    width: 24,
    height: 12,
    sortBy: ['status', 'times the objective'],
    links: { consumer: [toConsumer] },
    columns: [
      { query: rank(statusRanks, consumer, byConsumer), title: 'status', words: statuses },
      {
        query: perConsumer(timesTheObjective(consumer)),
        title: 'times the objective',
        unit: 'none',
        thresholds: rising(0.8, 1),
      },
      { query: `1 - ${perConsumer(brokenFor(consumer))}`, title: 'objective kept', unit: 'percentunit' },
      { query: perConsumer(of('stream_consumer_time_lag_seconds')), title: 'time lag', unit: 's' },
      { query: perConsumer(of('stream_consumer_time_lag_uncertainty_seconds')), title: '±', unit: 's' },
      { query: perConsumer(of('stream_consumer_total_records_lag')), title: 'records lag', unit: 'short' },
      {
        query: `sum by (${byConsumer}) (${of('stream_consumer_produce_records_per_second')} - ${of('stream_consumer_consume_records_per_second')})`,
        title: 'lag grows by',
        unit: 'recps',
      },
      { query: perConsumer(of('stream_consumer_drain_seconds')), title: 'caught up in', unit: 's' },
      {
        query: `min by (${byConsumer}) (${of('stream_consumer_retention_headroom_seconds')})`,
        title: 'retention headroom',
        unit: 's',
        thresholds: [
          { value: null, color: 'red' },
          { value: soon, color: 'text' },
        ],
      },
      { query: perConsumer(of('stream_consumer_members')), title: 'members', unit: 'none' },
      { query: perConsumer(of('stream_consumer_info'), ', kind') },
      {
        // One owner a consumer, the one whose objective is broken most: each more would be a row more.
        query: `topk by (${byConsumer}) (1, ${perConsumer(`${timesTheObjective(consumer)} or 0 * ${of('stream_consumer_objective_seconds')} or 0 * ${of('stream_consumer_objective_records')}`, ', owner')})`,
      },
    ],
  })
}

/** Each promise, and how it is kept. */
export function objectives(): Builder<Panel> {
  const each = 'kafka_cluster, consumer, topic, owner, severity, of'
  return table({
    title: 'Objectives, least kept first',
    description:
      'Every objective: how much of the chosen window it was broken, and how many times the objective the lag is now. "of" says whether time or records were promised.',
    unit: 'short',
    width: 24,
    sortBy: ['broken', 'times the objective'],
    links: { consumer: [toConsumerOnTopic] },
    columns: [
      {
        query: `max by (${each}) (${brokenFor(consumer)})`,
        title: 'broken',
        unit: 'percentunit',
        thresholds: rising(0.01, 0.05),
      },
      {
        query: `max by (${each}) (${timesTheObjective(consumer)})`,
        title: 'times the objective',
        unit: 'none',
        thresholds: rising(0.8, 1),
      },
      {
        query: `max by (${each}) (${promisedOf('time', consumer)})`,
        title: 'promised time',
        unit: 's',
      },
      {
        query: `max by (${each}) (${promisedOf('records', consumer)})`,
        title: 'promised records',
        unit: 'short',
      },
    ],
  })
}
