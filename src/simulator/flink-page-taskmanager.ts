import type { FlinkCluster } from './flink-cluster.ts'
import { type FlinkJob, isHeldUp, type JobVertex, type Subtask } from './flink-job.ts'
import { filtered, host, type Labels, type PageWriter, type Sample } from './flink-page-writer.ts'
import type { FlinkProcess } from './flink-process.ts'
import { backPressuredMsPerSecond } from './flink-rest-metrics.ts'
import { clientLag, type Split } from './flink-splits.ts'

/** A subtask that runs in this process, with the labels of everything about it. */
interface Task {
  readonly job: FlinkJob
  readonly vertex: JobVertex
  readonly subtask: Subtask
  readonly labels: Labels
}

const task = 'taskmanager_job_task'
const operator = `${task}_operator`
const reader = `${operator}_KafkaSourceReader`
const longestOperatorName = 80

export function writeTaskManager(page: PageWriter, process: FlinkProcess, { jobs }: FlinkCluster): void {
  const tasks = tasksOf(process, jobs)
  page.flink(
    task,
    'isBackPressured',
    samples(tasks, ({ job, vertex }) => (isHeldUp(job, vertex) ? 1 : 0)),
  )
  page.flink(task, 'backPressuredTimeMsPerSecond', samples(tasks, heldUpMs))
  page.flink(
    task,
    'busyTimeMsPerSecond',
    samples(tasks, (one) => Math.max(0, (isBusy(one) ? 980 : 240) - heldUpMs(one))),
  )
  page.flink(
    task,
    'idleTimeMsPerSecond',
    samples(tasks, (one) => (isBusy(one) ? 0 : 1_000 - 240 - heldUpMs(one))),
  )

  const sources = tasks.filter(
    ({ job, vertex }) => vertex.plan.source !== undefined && job.plan.disablesMetrics !== true,
  )
  page.flink(`${reader}_topic_partition`, 'currentOffset', perSplit(sources, currentOffset))
  page.flink(
    `${reader}_topic_partition`,
    'committedOffset',
    perSplit(sources, ({ committed }) => committed ?? -1),
  )
  page.flink(`${reader}_KafkaConsumer`, 'records-lag-max', perOperator(sources, recordsLagMax))
  page.flink(
    reader,
    'commitsSucceeded',
    perOperator(sources, ({ job }) => job.checkpoints.completed),
  )
  page.flink(
    reader,
    'commitsFailed',
    perOperator(sources, () => 0),
  )
  page.flink(operator, 'pendingRecords', perOperator(sources, pendingRecords))
}

function tasksOf(process: FlinkProcess, jobs: readonly FlinkJob[]): readonly Task[] {
  return jobs.flatMap((job) =>
    job.vertices.flatMap((vertex) =>
      vertex.subtasks
        .filter(({ taskManager }) => taskManager === process)
        .map((subtask) => ({ job, vertex, subtask, labels: labelsOf(process, job, vertex, subtask) })),
    ),
  )
}

function labelsOf({ id }: FlinkProcess, job: FlinkJob, vertex: JobVertex, subtask: Subtask): Labels {
  const { index, attempt, execution } = subtask
  return {
    job_id: job.id,
    task_id: vertex.id,
    task_attempt_id: `${execution}_${vertex.id}_${index}_${attempt}`,
    host,
    task_name: filtered(vertex.plan.name),
    task_attempt_num: String(attempt),
    job_name: filtered(job.plan.name),
    tm_id: filtered(id),
    subtask_index: String(index),
  }
}

/** The first operator of a chain has the id of its vertex. Its name is cut, that of the task is not. */
function operatorLabels({ vertex, labels }: Task): Labels {
  const name = vertex.plan.source?.operator ?? vertex.plan.name
  return { operator_id: vertex.id, operator_name: filtered(name.slice(0, longestOperatorName)), ...labels }
}

function samples(tasks: readonly Task[], value: (one: Task) => number): readonly Sample[] {
  return tasks.map((one) => [one.labels, value(one)])
}

/** Without a value there is no gauge yet. */
function perOperator(tasks: readonly Task[], value: (one: Task) => number | undefined): readonly Sample[] {
  return tasks.flatMap((one): readonly Sample[] => {
    const found = value(one)
    return found === undefined ? [] : [[operatorLabels(one), found]]
  })
}

function perSplit(tasks: readonly Task[], value: (split: Split) => number): readonly Sample[] {
  return tasks.flatMap((one) => {
    const labels = operatorLabels(one)
    return one.subtask.splits.map((split): Sample => {
      const { topic, partition } = split
      return [{ partition: String(partition), topic: filtered(topic), ...labels }, value(split)]
    })
  })
}

/** The offset of the last record itself, not the next one. */
function currentOffset({ hasEmitted, position }: Split): number {
  return hasEmitted ? position - 1 : -1
}

/** Its client's, summed: wrong while the source does not poll, for it then knows an old end and has read ahead. */
function pendingRecords({ subtask }: Task): number | undefined {
  const known = subtask.splits.map(clientLag).filter((lag) => lag !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, lag) => sum + lag, 0)
}

/** The largest of the last thirty seconds; without a poll in that time there is none. */
function recordsLagMax({ job, subtask }: Task): number {
  if (job.isStuck) return Number.NaN
  return Math.max(0, ...subtask.splits.map((split) => clientLag(split) ?? 0))
}

function heldUpMs({ job, vertex }: Task): number {
  return backPressuredMsPerSecond(job, vertex)
}

function isBusy({ job, subtask }: Task): boolean {
  return job.isStuck || subtask.splits.some((split) => (clientLag(split) ?? 0) > 1_000)
}
