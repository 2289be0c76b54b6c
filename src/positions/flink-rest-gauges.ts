import { filterLabel } from '../flink/filter-label.ts'
import type { OperatorLabels, PageReading, PartitionReading } from '../flink/flink-page.ts'
import type { FlinkJobView } from './flink-job-view.ts'
import type { JobReadings } from './flink-readings.ts'

/** Metrics of one vertex as its JobManager told them: for processes that have no reporter. */
export interface RestGauges {
  readonly flinkCluster: string
  readonly applicationId?: string
  readonly jobId: string
  /** Id of the vertex. */
  readonly vertex: string
  /** REST address. */
  readonly url: string
  /** By the id that REST gives them, the subtask in front. */
  readonly metrics: ReadonlyMap<string, number>
  /** Monotonic milliseconds. */
  readonly sentAt: number
  readonly takenAt: number
}

/** `0.Source__orders[1].KafkaSourceReader.topic.ods_orders-v1.partition.3.currentOffset`: dots only between the parts. */
const form =
  /^(\d{1,9})\.([^.]*)\.(?:DynamicKafkaSource\.kafkaCluster\.([^.]*)\.)?(KafkaSourceReader|KafkaConsumer)\.topic\.([^.]+)\.partition\.(\d{1,9})\.(current|committed)Offsets?$/

/** Which metrics of a vertex to ask for. */
export function isOffsetGauge(id: string): boolean {
  return form.test(id)
}

/**
 * What pages say of a job, with what REST says of subtasks that stand on none. What a JobManager knows of a TaskManager
 * that has died it still says for a while: where a page is in trouble, REST is not believed either. Yields now and then.
 */
export function* withRest(
  view: FlinkJobView,
  readings: JobReadings | undefined,
  told: readonly RestGauges[],
): Generator<void, JobReadings | undefined, void> {
  const live = [...(readings?.live ?? [])]
  const pages = new Set(readings?.pages)
  const subtasks = new Map(readings?.subtasks)
  const before = live.length
  for (const gauges of told) {
    const { vertex } = gauges
    const onPages = readings?.subtasks.get(vertex)
    const page = asPage(gauges)
    const seen = new Set(onPages)
    for (const reading of yield* readingsOf(gauges, idsByName(vertex, readings))) {
      if (onPages?.has(reading.operator.subtask) === true) continue
      live.push({ reading, page, shownAs: 'rest' })
      seen.add(reading.operator.subtask)
      pages.add(page)
    }
    subtasks.set(vertex, seen)
  }
  return live.length === before
    ? readings
    : { view, pages, live, subtasks, proven: readings?.proven ?? new Map<string, ReadonlySet<string>>() }
}

/** Operators of a vertex that pages know, by their names as REST would write them and the reporter then filter. */
function idsByName(vertex: string, readings: JobReadings | undefined): ReadonlyMap<string, string> {
  const ids = new Map<string, string>()
  for (const { reading } of readings?.live ?? [])
    if (reading.operator.taskId === vertex)
      ids.set(plainName(reading.operator.operatorName), reading.operator.operatorId)
  return ids
}

function plainName(name: string): string {
  return filterLabel(name).replaceAll(':', '_')
}

/** Metrics between two turns of others. */
const STEP = 2_000

function* readingsOf(
  gauges: RestGauges,
  ids: ReadonlyMap<string, string>,
): Generator<void, Iterable<PartitionReading>, void> {
  const readings = new Map<string, { -readonly [K in keyof PartitionReading]: PartitionReading[K] }>()
  const operators = new Map<string, OperatorLabels>()
  let read = 0
  for (const [id, value] of gauges.metrics) {
    if (++read % STEP === 0) yield
    const [, subtask, name, kafkaCluster, source, topic, partition, gauge] = form.exec(id) ?? []
    if (subtask === undefined || name === undefined || topic === undefined || !Number.isSafeInteger(value)) continue
    const operatorKey = `${subtask}.${name}`
    let operator = operators.get(operatorKey)
    if (operator === undefined) {
      operator = {
        jobId: gauges.jobId,
        jobName: '',
        taskId: gauges.vertex,
        operatorId: ids.get(plainName(name)) ?? name,
        operatorName: name,
        subtask: Number(subtask),
        // REST tells of the running attempt, and not which one it is.
        attempt: 0,
      }
      operators.set(operatorKey, operator)
    }
    const key = `${operatorKey}.${kafkaCluster ?? ''}.${topic}.${partition}`
    let reading = readings.get(key)
    if (reading === undefined) {
      reading = {
        operator,
        generation: source === 'KafkaConsumer' ? 'legacy' : 'source',
        topic,
        partition: Number(partition),
        ...(kafkaCluster === undefined ? {} : { kafkaCluster }),
      }
      readings.set(key, reading)
    }
    if (gauge === 'current') reading.current = value
    else reading.committed = value
  }
  return readings.values()
}

function asPage({ flinkCluster, applicationId, jobId, vertex, url, sentAt, takenAt }: RestGauges): PageReading {
  return {
    id: `${flinkCluster}/${applicationId ?? 'session'}/rest/${jobId}`,
    flinkCluster,
    url: `${url}/jobs/${jobId}/vertices/${vertex}/metrics`,
    page: { partitions: [], operators: [], topicNames: new Map(), bytes: 0, badLines: 0 },
    sentAt,
    takenAt,
  }
}

/** Those of one job that are not older than they may be. */
export function restOf(view: FlinkJobView, all: Iterable<RestGauges>, staleBefore: number): readonly RestGauges[] {
  const its: RestGauges[] = []
  for (const one of all)
    if (
      one.jobId === view.jobId &&
      one.flinkCluster === view.flinkCluster &&
      one.takenAt >= staleBefore &&
      (view.applicationId === undefined || one.applicationId === view.applicationId)
    )
      its.push(one)
  return its
}
