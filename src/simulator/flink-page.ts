import { offsetNumber } from '../model/offsets.ts'
import type { DemoConsumer, DemoWorld, Reading } from './demo-world.ts'
import type { KafkaState } from './kafka-state.ts'

/** One process of a simulated Flink job. */
export interface FlinkProcess {
  readonly role: 'jobmanager' | 'taskmanager'
  readonly consumer: DemoConsumer
  /** 32 hex digits. */
  readonly jobId: string
  /** Of a TaskManager, as Flink's label filter leaves it. */
  readonly tmId: string
  /** Seconds since 1970. */
  readonly startedAt: number
}

type Labels = Readonly<Record<string, string>>

/**
 * What the process would answer to a scrape: the families of Flink 1.20's Prometheus reporter that a lag is judged by,
 * with its habits: everything a gauge, a comma behind the last label, `-` in names as `_`, current offsets one below
 * the next. `process_start_time_seconds` is what a Java agent beside it adds.
 */
export function flinkPage(flink: FlinkProcess, world: DemoWorld, state: KafkaState): string {
  const page = createPage()
  page.gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', [
    [{}, flink.startedAt],
  ])
  if (flink.role === 'jobmanager') writeJobManager(page, flink, world.seconds())
  else writeTaskManager(page, flink, world.seconds(), state)
  return page.text()
}

function writeJobManager(page: Page, { consumer, jobId }: FlinkProcess, seconds: number): void {
  const host = { host: '127_0_0_1' }
  const job = { ...host, job_id: jobId, job_name: filtered(consumer.plan.group) }
  const checkpoints = Math.floor(seconds / consumer.plan.commitEverySeconds)
  page.flink('jobmanager', 'taskSlotsTotal', [[host, 4]])
  page.flink('jobmanager', 'taskSlotsAvailable', [[host, 0]])
  page.flink('jobmanager', 'numRegisteredTaskManagers', [[host, 1]])
  page.flink('jobmanager', 'numRunningJobs', [[host, 1]])
  writeJvm(page, 'jobmanager', host, seconds)
  page.flink('jobmanager_job', 'uptime', [[job, seconds * 1000]])
  page.flink('jobmanager_job', 'runningTime', [[job, seconds * 1000]])
  page.flink('jobmanager_job', 'numRestarts', [[job, 0]])
  page.flink('jobmanager_job', 'numberOfCompletedCheckpoints', [[job, checkpoints]])
  page.flink('jobmanager_job', 'numberOfFailedCheckpoints', [[job, 0]])
  page.flink('jobmanager_job', 'lastCheckpointDuration', [[job, checkpoints === 0 ? -1 : 180 + (checkpoints % 7) * 35]])
  page.flink('jobmanager_job', 'lastCheckpointSize', [[job, checkpoints === 0 ? -1 : 64_000 + (checkpoints % 9) * 700]])
}

function writeTaskManager(page: Page, flink: FlinkProcess, seconds: number, state: KafkaState): void {
  const { consumer, jobId, tmId } = flink
  const host = { host: '127_0_0_1', tm_id: tmId }
  const name = filtered(consumer.plan.group)
  const ids = { job_id: jobId, task_id: jobId, task_attempt_id: `${jobId}_0_0`, task_attempt_num: '0' }
  const task = { ...host, ...ids, job_name: name, task_name: `Source:_${name}`, subtask_index: '0' }
  const operator = { ...task, operator_id: jobId, operator_name: `Source:_${name}` }
  const { reading } = consumer
  const behind = reading.map((one) => behindEnd(state, one))
  const isBusy = behind.some((records) => records > 1_000)
  writeJvm(page, 'taskmanager', host, seconds)
  page.flink('taskmanager_job_task', 'busyTimeMsPerSecond', [[task, isBusy ? 980 : 240]])
  page.flink('taskmanager_job_task', 'backPressuredTimeMsPerSecond', [[task, 0]])
  page.flink('taskmanager_job_task', 'idleTimeMsPerSecond', [[task, isBusy ? 20 : 760]])
  const source = 'taskmanager_job_task_operator'
  const offsets = (column: (one: Reading) => Float64Array, shift: number) =>
    reading.flatMap((one) =>
      Array.from(column(one), (offset, partition): readonly [Labels, number] => [
        { ...operator, topic: filtered(one.topic.name), partition: String(partition) },
        offset < 0 ? -1 : offset - shift,
      ]),
    )
  page.flink(
    source,
    'KafkaSourceReader_topic_partition_currentOffset',
    offsets(({ position }) => position, 1),
  )
  page.flink(
    source,
    'KafkaSourceReader_topic_partition_committedOffset',
    offsets(({ committed }) => committed, 0),
  )
  page.flink(source, 'pendingRecords', [[operator, behind.reduce((sum, records) => sum + records, 0)]])
}

function writeJvm(page: Page, component: string, labels: Labels, seconds: number): void {
  const used = 90e6 + ((seconds * 1.7e6) % 110e6)
  page.flink(`${component}_Status_JVM`, 'CPU_Load', [[labels, 0.02 + (seconds % 5) / 100]])
  page.flink(`${component}_Status_JVM`, 'Memory_Heap_Used', [[labels, used]])
  page.flink(`${component}_Status_JVM`, 'Memory_Heap_Max', [[labels, 469_762_048]])
  page.flink(`${component}_Status_JVM`, 'Threads_Count', [[labels, 61]])
}

function behindEnd(state: KafkaState, { topic, position }: Reading): number {
  const { end } = state.topics.get(topic.name)!
  let records = 0
  for (let partition = 0; partition < position.length; partition++)
    records += Math.max(0, offsetNumber(end, partition) - position[partition]!)
  return records
}

/** Flink's default filter of label values. */
function filtered(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9:_]/g, '_')
}

interface Page {
  gauge(name: string, help: string, samples: readonly (readonly [Labels, number])[]): void
  flink(scope: string, name: string, samples: readonly (readonly [Labels, number])[]): void
  text(): string
}

function createPage(): Page {
  const lines: string[] = []
  const gauge: Page['gauge'] = (name, help, samples) => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`)
    for (const [labels, value] of samples) lines.push(`${name}${labelText(labels)} ${value}`)
  }
  return {
    gauge,
    flink: (scope, name, samples) => gauge(`flink_${scope}_${name}`, `${name} (scope: ${scope})`, samples),
    text: () => `${lines.join('\n')}\n`,
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}",`)
  return pairs.length === 0 ? '' : `{${pairs.join('')}}`
}
