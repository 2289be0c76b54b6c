/** How the Prometheus reporter of a cluster is configured; the JobManager's own file, which TaskManagers share as a rule. */
export interface ReporterSettings {
  /** Name in the configuration, such as `prom`. */
  readonly name: string
  /** `factory` works everywhere from 1.11 on; `class` ends at 1.15. */
  readonly configuredBy: 'factory' | 'class'
  /** As written: `9249`, `9250-9260`, `9249,9260-9270`. Absent: Flink takes 9249. */
  readonly port?: string
  /** False with `filterLabelValueCharacters: false`: label values are as they are. */
  readonly filtersLabels: boolean
}

/** Prometheus' own and such as are derived from it; never PrometheusPushGatewayReporter, which has no port to read. */
const ours = /(?:^|[.$])PrometheusReporter(?:Factory)?$/

/**
 * Prometheus reporters of a Flink configuration that are switched on: all, or those in the list `metrics.reporters`.
 *
 * @param configuration keys as `/jobmanager/config` has them, such as `metrics.reporter.prom.factory.class`
 */
export function reporterSettings(configuration: ReadonlyMap<string, string>): readonly ReporterSettings[] {
  const options = new Map<string, Map<string, string>>()
  for (const [key, value] of configuration) {
    const found = /^metrics\.reporter\.([^.\s]+)\.(.+)$/.exec(key)
    const [, name, option] = found ?? []
    if (name === undefined || option === undefined) continue
    const known = options.get(name) ?? new Map<string, string>()
    options.set(name, known.set(option, unquoted(value)))
  }
  const listed = namesIn(configuration.get('metrics.reporters') ?? '')
  const settings: ReporterSettings[] = []
  for (const [name, own] of options) {
    if (listed.size > 0 && !listed.has(name)) continue
    const factory = own.get('factory.class')
    const port = own.get('port') ?? ''
    if (!ours.test(factory ?? own.get('class') ?? '')) continue
    settings.push({
      name,
      configuredBy: factory === undefined ? 'class' : 'factory',
      filtersLabels: own.get('filterLabelValueCharacters')?.toLowerCase() !== 'false',
      ...(port === '' ? {} : { port }),
    })
  }
  return settings
}

/** `prom, jmx`, and what YAML of 2.x makes of lists: `['prom', 'jmx']`, `prom;jmx`. */
function namesIn(list: string): ReadonlySet<string> {
  return new Set(
    list
      .replace(/^\s*\[|\]\s*$/g, '')
      .split(/[,;]/)
      .map(unquoted)
      .filter((name) => name !== ''),
  )
}

function unquoted(text: string): string {
  const plain = text.trim()
  return /^(["']).*\1$/s.test(plain) ? plain.slice(1, -1).trim() : plain
}
