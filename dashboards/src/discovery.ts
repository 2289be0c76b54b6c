import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { framed, lagkeeperUrl } from './frame.ts'
import { toLagkeeper, uids } from './links.ts'
import { lines } from './panels/lines.ts'
import { atLeastOne, rising } from './panels/panel.ts'
import { stat } from './panels/stat.ts'
import { table } from './panels/table.ts'
import { once } from './queries.ts'
import { yesOrNo } from './words.ts'

const targets = (states: string) => once(`lagkeeper_targets{state${states}}`)
/** Sources that find jobs and targets, not lag. */
const finders = 'source!~"kafka.*|share-groups|zookeeper-offsets"'
const refreshFailures = 'prometheus_sd_refresh_failures_total{mechanism="http"}'

/** What Prometheus is told to scrape, and whether it hears of it. */
export function discovery(): Dashboard {
  return framed({
    uid: uids.discovery,
    title: 'Discovery',
    description:
      'Targets that Lagkeeper tells Prometheus to scrape, who registered them, and whether Prometheus hears of it',
    variables: [lagkeeperUrl()],
    alerts: ', kafka_cluster="", consumer="", flink_job=""',
    links: [toLagkeeper('The list itself', '/sd/v1/targets', {})],
    rows: [
      { title: 'Now', panels: now() },
      { title: 'The list', panels: list() },
      { title: 'Registry', panels: registry() },
      { title: 'Where targets are looked for', panels: looking() },
    ],
  })
}

function now(): readonly Builder<Panel>[] {
  return [
    stat({
      title: 'Listed',
      description: 'Targets that are alive and in the list for Prometheus.',
      unit: 'none',
      width: 4,
      query: `sum(${targets('="listed"')})`,
      thresholds: [{ value: null, color: 'blue' }],
      absent: 'no data',
    }),
    stat({
      title: 'Held',
      description:
        'Targets that went without saying so, too many at once to be believed; they stay in the list until a probe or the time decides.',
      unit: 'none',
      width: 4,
      query: `sum(${targets('="held"')}) or 0 * sum(${targets('="listed"')})`,
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
    stat({
      title: 'Quarantined',
      description: 'Entries that were found and are left out, because Prometheus would refuse them. The list says why.',
      unit: 'none',
      width: 4,
      query: `sum(${targets('="quarantined"')}) or 0 * sum(${targets('="listed"')})`,
      thresholds: atLeastOne('orange'),
      absent: 'no data',
    }),
    stat({
      title: 'Age of the list',
      description: 'Time since the replica that is furthest behind had a complete view of the registry.',
      unit: 's',
      width: 4,
      query: 'max(time() - lagkeeper_registry_last_sync_timestamp_seconds)',
      thresholds: rising(30, 120),
      absent: 'no complete view yet',
    }),
    stat({
      title: 'Failed to fetch a list',
      description:
        'Times in the last minutes that Prometheus could not fetch a list over HTTP. Before 2.46 it does not say which, so lists of others count. Empty when Prometheus does not scrape itself.',
      unit: 'none',
      width: 4,
      query: `sum(increase(${refreshFailures}[$__rate_interval]))`,
      thresholds: atLeastOne('red'),
      absent: 'Prometheus is not scraped',
    }),
    stat({
      title: 'Replicas that see each other',
      description: 'The fewest replicas that any of them sees, itself included. 0: one of them sees none.',
      unit: 'none',
      width: 4,
      query: 'min(lagkeeper_replicas)',
      thresholds: [
        { value: null, color: 'red' },
        { value: 1, color: 'green' },
      ],
      absent: 'no data',
    }),
  ]
}

function list(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Targets, by state',
      description:
        'listed: alive. lingering: its end was not announced, it stays for a while. held: kept because so many vanished at once that the trouble may be ours. quarantined: left out because Prometheus would refuse it.',
      unit: 'none',
      width: 12,
      lines: [{ query: `sum by (state) (${once('lagkeeper_targets')})`, legend: '{{state}}' }],
    }),
    lines({
      title: 'Age of the list, by replica',
      description:
        'Time since the replica last had a complete view of the registry. It serves the last good list until then.',
      unit: 's',
      width: 12,
      lines: [{ query: 'time() - lagkeeper_registry_last_sync_timestamp_seconds', legend: '{{instance}}' }],
    }),
    lines({
      title: 'Listed targets, by replica',
      description: 'Replicas that share a registry serve the same list. Lines apart for long are replicas that differ.',
      unit: 'none',
      width: 12,
      lines: [{ query: 'max by (instance) (lagkeeper_targets{state="listed"})', legend: '{{instance}}' }],
    }),
    lines({
      title: 'Refreshes of Prometheus that failed',
      description:
        'Each second, by Prometheus. It keeps the last good list until it restarts, and has none at all after that. Needs Prometheus to scrape itself.',
      unit: 'cps',
      width: 12,
      lines: [{ query: `sum by (instance) (rate(${refreshFailures}[$__rate_interval]))`, legend: '{{instance}}' }],
    }),
  ]
}

function registry(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Registrations refused, by field',
      description: 'Each second, by the field that was wrong: somebody deploys a reporter that cannot be listed.',
      unit: 'cps',
      width: 12,
      lines: [
        {
          query: 'sum by (field) (rate(lagkeeper_registry_rejected_total[$__rate_interval]))',
          legend: '{{field}}',
        },
      ],
    }),
    lines({
      title: 'Leases that ran out, by what became of the process',
      description:
        'Each second. alive: it answers, so the target stays; many of them are reporters that cannot reach Lagkeeper. gone: it does not. unverified: nobody could tell.',
      unit: 'cps',
      width: 12,
      lines: [
        {
          query: 'sum by (outcome) (rate(lagkeeper_registry_leases_ended_total[$__rate_interval]))',
          legend: '{{outcome}}',
        },
      ],
    }),
    lines({
      title: 'Room in ZooKeeper, by replica',
      description:
        'Bytes of the registrations of a replica, and dashed how many it may have: past it new ones get 503.',
      unit: 'bytes',
      width: 12,
      lines: [
        { query: 'max by (instance) (lagkeeper_registry_path_bytes{kind="used"})', legend: '{{instance}}' },
        {
          query: 'max by (instance) (lagkeeper_registry_path_bytes{kind="limit"})',
          legend: 'limit of {{instance}}',
          isDashed: true,
        },
      ],
    }),
    lines({
      title: 'Sessions with ZooKeeper that expired',
      description: 'By replica. All members of such a session vanish for a moment and are put back.',
      unit: 'none',
      width: 12,
      lines: [
        {
          query: 'sum by (instance) (increase(lagkeeper_registry_session_expiries_total[$__rate_interval]))',
          legend: '{{instance}}',
        },
      ],
    }),
  ]
}

function looking(): readonly Builder<Panel>[] {
  const bySource = (series: string) => `max by (source, name) (${series})`
  return [
    table({
      title: 'Sources of targets and jobs',
      description:
        'Whether the last look at each succeeded, and how long ago one did. Kafka clusters stand on the dashboard of Lagkeeper itself.',
      unit: 'none',
      width: 12,
      sortBy: ['last answer'],
      columns: [
        { query: bySource(`lagkeeper_source_up{${finders}}`), title: 'up', words: yesOrNo },
        {
          query: `time() - ${bySource(`lagkeeper_source_last_success_timestamp_seconds{${finders}}`)}`,
          title: 'last answer',
          unit: 's',
          thresholds: rising(120, 600),
        },
      ],
    }),
    lines({
      title: 'What could not be looked at, by reason',
      description:
        'Things that a look at Flink, YARN or a page left out, each second. A source without is a line at zero.',
      unit: 'cps',
      width: 12,
      lines: [
        {
          query: `sum by (source, name, reason) (rate(lagkeeper_source_errors_total{${finders}}[$__rate_interval])) or 0 * ${bySource(`lagkeeper_source_up{${finders}}`)}`,
          legend: '{{source}} {{name}} {{reason}}',
        },
      ],
    }),
  ]
}
