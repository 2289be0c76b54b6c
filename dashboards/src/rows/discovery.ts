import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import { lines } from '../panels.ts'
import { once } from '../queries.ts'

/** What Prometheus is told to scrape. */
export function discovery(): readonly Builder<Panel>[] {
  return [
    lines({
      title: 'Targets by state',
      description:
        'listed: alive. lingering: its end was not announced, it stays for a while. held: kept because so many vanished at once that the trouble may be ours. quarantined: left out because Prometheus would refuse it.',
      unit: 'none',
      width: 12,
      lines: [{ query: `sum by (state) (${once('lagkeeper_targets')})`, legend: '{{state}}' }],
    }),
    lines({
      title: 'Age of the target list, by replica',
      description:
        'Time since the replica last had a complete view of the registry. It serves the last good list until then.',
      unit: 's',
      width: 12,
      lines: [{ query: 'time() - lagkeeper_registry_last_sync_timestamp_seconds', legend: '{{instance}}' }],
    }),
  ]
}
