import type { FlinkRig } from './flink.ts'
import { inOrder } from './order.ts'

/** What the gauges of one subtask say of one partition, sentinels included. */
interface PartitionGauges {
  readonly jobId: string
  readonly operatorId: string
  readonly subtask: number
  readonly attempt: number
  /** As the page shows it: filtered, as a rule. */
  readonly topic: string
  readonly partition: number
  readonly current: number | undefined
  readonly committed: number | undefined
}

/** What the client of a source says, of all subtasks. */
export interface JobGauges {
  /** Sum; undefined when no subtask has the gauge. */
  readonly pendingRecords: number | undefined
  /** The greatest; NaN and -Infinity as they are, undefined when no subtask has the gauge. */
  readonly recordsLagMax: number | undefined
  readonly partitions: readonly PartitionGauges[]
}

interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

const operator = 'flink_taskmanager_job_task_operator_'
const current = /(KafkaSourceReader_topic_partition_currentOffset|KafkaConsumer_topic_partition_currentOffsets)$/
const committed = /(KafkaSourceReader_topic_partition_committedOffset|KafkaConsumer_topic_partition_committedOffsets)$/
// The legacy consumer says it twice: here and directly at the operator.
const lagMax = /(KafkaSourceReader_)?KafkaConsumer_records_lag_max$/

/**
 * Gauges of one job from the pages of all reporters, read line by line in the plainest way: a judge of what reads them
 * in `src`.
 */
export async function jobGauges(flink: FlinkRig, jobId: string): Promise<JobGauges> {
  const samples = (await Promise.all(flink.taskManagers().map(({ reporterPort }) => readPage(reporterPort)))).flat()
  const own = samples.filter(({ name, labels }) => name.startsWith(operator) && labels.get('job_id') === jobId)
  const rows = new Map<string, PartitionGauges>()
  for (const { name, labels, value } of own) {
    const what = current.test(name) ? 'current' : committed.test(name) ? 'committed' : undefined
    if (what === undefined) continue
    const place = placeOf(labels)
    const key = JSON.stringify(place)
    const row = rows.get(key) ?? { ...place, current: undefined, committed: undefined }
    rows.set(key, { ...row, [what]: value })
  }
  const pending = own.filter(({ name }) => name === `${operator}pendingRecords`).map(({ value }) => value)
  const lags = own.filter(({ name }) => lagMax.test(name)).map(({ value }) => value)
  return {
    pendingRecords: pending.length === 0 ? undefined : pending.reduce((sum, value) => sum + value, 0),
    recordsLagMax: lags.length === 0 ? undefined : Math.max(...lags),
    partitions: inOrder([...rows.values()]),
  }
}

async function readPage(port: number | undefined): Promise<readonly Sample[]> {
  if (port === undefined) return []
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(10_000) })
  return (await response.text()).split('\n').flatMap((line) => {
    const found = /^(\w+)\{(.*)\} (\S+)$/.exec(line)
    if (found === null) return []
    const [, name = '', labels = '', value = ''] = found
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, key = '', text = '']) => [key, text] as const,
    )
    return [{ name, labels: new Map(pairs), value: toNumber(value) }]
  })
}

function placeOf(labels: ReadonlyMap<string, string>) {
  const text = (name: string) => labels.get(name) ?? ''
  return {
    jobId: text('job_id'),
    operatorId: text('operator_id'),
    subtask: Number(text('subtask_index')),
    attempt: Number(text('task_attempt_num')),
    topic: text('topic'),
    partition: Number(text('partition')),
  }
}

function toNumber(text: string): number {
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  return text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text)
}
