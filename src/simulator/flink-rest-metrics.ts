import { type FlinkJob, isHeldUp, type JobVertex } from './flink-job.ts'

type Metrics = readonly { readonly id: string; readonly value?: string }[]

/** `/jobs/:id/metrics`: names, or the values of those that are asked for. */
export function jobMetrics(job: FlinkJob, version: string, now: number, names: readonly string[]): Metrics {
  const { checkpoints } = job
  const values: Record<string, number> = {
    numRestarts: Math.max(0, job.restarts),
    ...(version.startsWith('2.') ? {} : { fullRestarts: Math.max(0, job.restarts) }),
    numberOfCompletedCheckpoints: checkpoints.completed,
    numberOfFailedCheckpoints: checkpoints.failed,
    numberOfInProgressCheckpoints: checkpoints.inProgress === undefined ? 0 : 1,
    uptime: job.state === 'RUNNING' ? now - job.modifiedAt : 0,
  }
  return listed(new Map(Object.entries(values)), names)
}

/** `/jobs/:id/vertices/:vid/metrics`: ids have the subtask in front, and `_` for blanks, dots, colons and commas. */
export function vertexMetrics(job: FlinkJob, vertex: JobVertex, names: readonly string[]): Metrics {
  const values = new Map<string, number>()
  for (const { index, splits, taskManager } of vertex.subtasks) {
    if (taskManager === undefined) continue
    values.set(`${index}.backPressuredTimeMsPerSecond`, backPressuredMsPerSecond(job, vertex))
    const { source } = vertex.plan
    if (source === undefined || job.plan.disablesMetrics === true) continue
    const reader = `${index}.${filtered(source.operator)}.KafkaSourceReader`
    for (const { topic, partition, position, hasEmitted, committed } of splits) {
      const gauge = `${reader}.topic.${filtered(topic)}.partition.${partition}`
      values.set(`${gauge}.currentOffset`, hasEmitted ? position - 1 : -1)
      values.set(`${gauge}.committedOffset`, committed ?? -1)
    }
  }
  return listed(values, names)
}

/** `/jobs/:id/vertices/:vid/subtasks/metrics?agg=max` */
export function vertexMaxima(
  job: FlinkJob,
  vertex: JobVertex,
  names: readonly string[],
): readonly { readonly id: string; readonly max?: number }[] {
  const id = 'backPressuredTimeMsPerSecond'
  if (names.length === 0) return [{ id }]
  return names.includes(id) && job.state === 'RUNNING' ? [{ id, max: backPressuredMsPerSecond(job, vertex) }] : []
}

export function backPressuredMsPerSecond(job: FlinkJob, vertex: JobVertex): number {
  return isHeldUp(job, vertex) ? Math.round((job.backPressure?.share ?? 0) * 1_000) : 0
}

function listed(values: ReadonlyMap<string, number>, names: readonly string[]): Metrics {
  if (names.length === 0) return Array.from(values.keys(), (id) => ({ id }))
  return names.flatMap((id) => {
    const value = values.get(id)
    return value === undefined ? [] : [{ id, value: String(value) }]
  })
}

/** The filter of REST: dashes and brackets stay. */
function filtered(text: string): string {
  return text.replace(/[ .:,]/g, '_')
}
