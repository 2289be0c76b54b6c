import type { SourceFigures } from '../model/job-view.ts'
import { shortened } from './evidence-lines.ts'
import type { JobFacts, JobGauges } from './facts.ts'

/** What is shown of a job beside its findings. */
export interface JobFigures {
  readonly sources: readonly SourceFigures[]
  readonly backPressure?: number
  readonly watermarkLagMs?: number
}

/** An operator without a watermark says that it is 292 million years behind. */
const NO_WATERMARK_MS = 100 * 365 * 86_400_000

/**
 * Sums and worst values over the processes of a job. A sum is left out when a part of it is unknown (I3): a partition, or
 * what a subtask reads that stands on no page.
 */
export function figuresOf({ job, gauges, hasAllPages, lagOf }: JobFacts): JobFigures {
  const byVertex = new Map(job.vertices.map((vertex) => [vertex.id, vertex]))
  const tasks = readingsByTask(gauges)
  const names = vertexNames([...tasks.keys()].map((id) => ({ id, name: byVertex.get(id)?.name ?? id })))
  const backPressures = new Map<string, number>()
  for (const { id, backPressure } of job.vertices) note(backPressures, id, backPressure)
  for (const { operator, backPressure } of gauges?.operators ?? []) note(backPressures, operator.taskId, backPressure)
  const sources = [...tasks].map(([vertexId, { partitions, pending, subtasks }]): SourceFigures => {
    const isWhole = hasAllPages || subtasks.size >= (byVertex.get(vertexId)?.parallelism ?? Number.POSITIVE_INFINITY)
    const lags = [...partitions.values()].map(({ topic, partition, kafkaCluster }) =>
      lagOf(topic, partition, kafkaCluster),
    )
    const recordsLag =
      isWhole && lags.every((lag) => lag !== undefined) ? lags.reduce((sum, lag) => sum + lag, 0) : undefined
    const backPressure = backPressures.get(vertexId)
    return {
      vertex: names.get(vertexId) ?? vertexId,
      vertexId,
      topics: [...new Set([...partitions.values()].map(({ topic }) => topic))].sort(),
      partitions: partitions.size,
      ...(recordsLag === undefined ? {} : { recordsLag }),
      ...(pending === undefined || !isWhole ? {} : { pendingRecords: pending }),
      ...(backPressure === undefined ? {} : { backPressure }),
    }
  })
  const watermarks = (gauges?.operators ?? []).flatMap(({ watermarkLagMs: lag }) =>
    lag === undefined || !(lag < NO_WATERMARK_MS) ? [] : [Math.max(0, lag)],
  )
  return {
    sources: sources.sort((a, b) => (a.vertex < b.vertex ? -1 : 1)),
    ...(backPressures.size === 0 ? {} : { backPressure: largest(backPressures.values()) }),
    ...(watermarks.length === 0 ? {} : { watermarkLagMs: largest(watermarks) }),
  }
}

interface TaskReadings {
  readonly partitions: Map<string, JobGauges['partitions'][number]>
  pending: number | undefined
  readonly subtasks: Set<number>
}

/** The vertices that have a gauge of a partition, each partition once. */
function readingsByTask(gauges: JobGauges | undefined): ReadonlyMap<string, TaskReadings> {
  const tasks = new Map<string, TaskReadings>()
  for (const reading of gauges?.partitions ?? []) {
    const { operator, kafkaCluster, topic, partition } = reading
    const task = tasks.get(operator.taskId) ?? { partitions: new Map(), pending: undefined, subtasks: new Set() }
    task.subtasks.add(operator.subtask)
    task.partitions.set(`${partition}\0${topic}\0${kafkaCluster}`, reading)
    tasks.set(operator.taskId, task)
  }
  for (const { operator, pendingRecords } of gauges?.operators ?? []) {
    const task = tasks.get(operator.taskId)
    task?.subtasks.add(operator.subtask)
    if (
      task !== undefined &&
      pendingRecords !== undefined &&
      pendingRecords >= 0 &&
      pendingRecords < Number.POSITIVE_INFINITY
    )
      task.pending = (task.pending ?? 0) + pendingRecords
  }
  return tasks
}

/** Names as labels: without the `[7]` that Flink counts up over all submissions, and each the only one. */
function vertexNames(vertices: readonly { readonly id: string; readonly name: string }[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const { id, name } of vertices.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const short = shortened(name.replace(/\[\d+\]/g, '')).replace(/\p{Cs}/gu, '\ufffd') || id
    const label = taken.has(short) ? `${short} (${id})` : short
    taken.add(label)
    names.set(id, label)
  }
  return names
}

function note(shares: Map<string, number>, id: string, share: number | undefined): void {
  if (share !== undefined && share >= (shares.get(id) ?? 0)) shares.set(id, Math.min(1, share))
}

function largest(values: Iterable<number>): number {
  let most = 0
  for (const value of values) if (value > most) most = value
  return most
}
