import type { GaugeTrace, PositionTrace } from '../model/position-trace.ts'
import { currentOf, gaugeNames, positionOf } from './flink-gauges.ts'
import type { FlinkJobView } from './flink-job-view.ts'
import { type JobMemory, knownBefore } from './flink-memory.ts'
import { behindOf, latestOf, operatorsOf } from './flink-operators.ts'
import type { JobReadings, LiveReading } from './flink-readings.ts'
import type { RowRules } from './flink-rows.ts'

/** Goes the way of `rowsOfJob` once more for one partition, and tells of every gauge that it meets. */
export function traceOf(
  view: FlinkJobView,
  readings: JobReadings | undefined,
  memory: JobMemory | undefined,
  rules: RowRules,
  topic: string,
  partition: number,
): PositionTrace {
  const gauges: GaugeTrace[] = []
  const how = new Set<string>()
  let isAmbiguous = false
  for (const operator of operatorsOf(readings?.live ?? [])) {
    for (const shown of operator.topics.values()) {
      const behind = behindOf(view, shown, readings, rules)
      if (behind === undefined || behind.kind === 'left_out') continue
      const names = behind.kind === 'ambiguous' ? behind.names : [behind.name]
      if (!names.includes(topic)) continue
      how.add(behind.how)
      isAmbiguous ||= behind.kind === 'ambiguous'
      const all = shown.partitions.get(partition) ?? []
      const latest = latestOf(all)
      for (const one of all) gauges.push(gaugeTrace(one, verdictOf(one, latest, behind.kind === 'ambiguous')))
    }
  }
  const counting = gauges.filter(({ verdict }) => verdict.startsWith(COUNTS))
  const position = counting.every((gauge) => gauge.position !== undefined) ? smallest(counting) : undefined
  return {
    flinkCluster: view.flinkCluster,
    jobManager: view.rest,
    jobId: view.jobId,
    ...(view.applicationId === undefined ? {} : { applicationId: view.applicationId }),
    state: view.state,
    ...(how.size === 0 ? {} : { topicName: [...how].join('; ') }),
    gauges: gauges.sort((a, b) => rank(a) - rank(b)),
    ...(position === undefined ? {} : { gaugePosition: position }),
    commits: [],
    verdict: verdict(),
  }

  function verdict(): string {
    if (isAmbiguous) return 'The name on the page fits several topics, so that no gauge is of this one for certain'
    const [only, ...others] = counting
    if (only === undefined) return `No page that can be believed shows a gauge of this partition${former()}`
    if (position === undefined)
      return `The gauge says nothing, as from the start of a source until its first record${former()}`
    if (others.length > 0)
      return `Of ${counting.length} operators that read the partition, the one at position ${position} is furthest behind`
    return only.verdict === COUNTS
      ? `The gauge is of the last record that the source gave to the job, so the next one is ${position}`
      : `Nothing was read since the source started, and it has committed ${position}`
  }

  function former(): string {
    const before = memory === undefined ? undefined : knownBefore(memory, topic, partition)
    if (before === undefined) return ''
    const trouble = rules.troubleOf(before.reporter)
    const seconds = Math.round((rules.now - before.at) / 1_000)
    return `; ${seconds} s ago the page of ${before.reporter} said one${trouble === undefined ? '' : ` (${trouble} now)`}`
  }

  /** Those that count first, and of these the one that is furthest behind. */
  function rank(gauge: GaugeTrace): number {
    if (!gauge.verdict.startsWith(COUNTS)) return 2
    return gauge.position === position ? 0 : 1
  }
}

const COUNTS = 'counts'

function verdictOf(one: LiveReading, latest: LiveReading | undefined, isAmbiguous: boolean): string {
  if (isAmbiguous) return 'does not count: the name fits several topics'
  if (one === latest) return COUNTS
  const { attempt } = one.reading.operator
  return attempt === latest?.reading.operator.attempt
    ? 'does not count: another subtask shows the partition on a later page'
    : 'does not count: another subtask shows the partition in a later attempt'
}

function gaugeTrace({ reading, page }: LiveReading, said: string): GaugeTrace {
  const { operator, current, committed } = reading
  const names = gaugeNames(reading)
  const position = positionOf(reading)
  return {
    page: page.url,
    sentAt: page.sentAt,
    takenAt: page.takenAt,
    vertex: operator.taskId,
    operator: operator.operatorId,
    operatorName: operator.operatorName,
    subtask: operator.subtask,
    attempt: operator.attempt,
    ...(current === undefined ? {} : { current: { gauge: names.current, value: current } }),
    ...(committed === undefined ? {} : { committed: { gauge: names.committed, value: committed } }),
    ...(position === undefined ? {} : { position }),
    verdict:
      said === COUNTS && position !== undefined && currentOf(reading) === undefined
        ? `${COUNTS}: nothing was read since it committed`
        : said,
  }
}

function smallest(gauges: readonly GaugeTrace[]): number | undefined {
  const positions = gauges.flatMap(({ position }) => position ?? [])
  return positions.length === 0 ? undefined : Math.min(...positions)
}
