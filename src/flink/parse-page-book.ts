import type { FlinkPage, OperatorLabels, OperatorReading, PartitionReading } from './flink-page.ts'
import type { FamilyKind, OperatorGauge } from './parse-page-families.ts'
import type { Labels } from './parse-page-labels.ts'
import { offsetOf } from './parse-page-value.ts'

/** Gathers the samples of one page into readings. */
export interface PageBook {
  /** False when the sample lacks what it cannot do without, or says what cannot be. */
  add(kind: FamilyKind, labels: Labels, value: number): boolean
  /** Readings so far: what a page may make us keep is bounded. */
  size(): number
  readings(): Pick<FlinkPage, 'partitions' | 'operators'>
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

interface Operator {
  readonly labels: OperatorLabels
  readonly task: string
  readonly gauges: Partial<Record<OperatorGauge, number>>
}

interface Task {
  isBackPressured?: number
  backPressuredMsPerSecond?: number
}

export function createPageBook(intern: (text: string) => string): PageBook {
  const operators = new Map<string, Operator>()
  const partitions = new Map<string, Writable<PartitionReading>>()
  const tasks = new Map<string, Task>()
  /** Gauges that a page has with two values. */
  const contradicted = new Set<string>()

  function operatorOf(labels: Labels, jobId: string): Operator | undefined {
    const { taskId = '', operatorId = '', operatorName = '', jobName = '' } = labels
    // Only told apart by these; where a reporter was told to leave them out, no two series can differ in them.
    const subtask = wholeNumber(labels.subtask ?? '0')
    const attempt = wholeNumber(labels.attempt ?? '0')
    if (subtask === undefined || attempt === undefined) return undefined
    const key = keyOf(jobId, taskId, operatorId, subtask, attempt)
    const known = operators.get(key)
    if (known !== undefined) return known
    const operator = {
      labels: {
        jobId: intern(jobId),
        jobName: intern(jobName),
        taskId: intern(taskId),
        operatorId: intern(operatorId),
        operatorName: intern(operatorName),
        subtask,
        attempt,
      },
      task: keyOf(jobId, taskId, subtask, attempt),
      gauges: {},
    }
    operators.set(key, operator)
    return operator
  }

  function addPartition(
    kind: FamilyKind & { readonly of: 'partition' },
    labels: Labels,
    jobId: string,
    value: number,
  ): boolean {
    const { topic = '', kafkaCluster } = labels
    const partition = wholeNumber(labels.partition ?? '')
    const offset = offsetOf(value)
    if (topic === '' || partition === undefined || offset === undefined) return false
    const operator = operatorOf(labels, jobId)
    if (operator === undefined) return false
    const { taskId, operatorId, subtask, attempt } = operator.labels
    const where = keyOf(jobId, taskId, operatorId, subtask, attempt)
    const key = keyOf(where, kind.generation, kafkaCluster ?? '', topic, partition)
    let reading = partitions.get(key)
    if (reading === undefined) {
      reading = {
        operator: operator.labels,
        generation: kind.generation,
        ...(kafkaCluster === undefined ? {} : { kafkaCluster: intern(kafkaCluster) }),
        topic: intern(topic),
        partition,
      }
      partitions.set(key, reading)
    }
    // A page has a series once; when it has it twice, neither is believed.
    const before = reading[kind.gauge]
    const isContradicted = contradicted.size > 0 && contradicted.has(keyOf(key, kind.gauge))
    if (!isContradicted && (before === undefined || before === offset)) {
      reading[kind.gauge] = offset
      return true
    }
    contradicted.add(keyOf(key, kind.gauge))
    delete reading[kind.gauge]
    return false
  }

  function addGauge(gauge: OperatorGauge, labels: Labels, jobId: string, value: number): boolean {
    const operator = operatorOf(labels, jobId)
    if (operator === undefined) return false
    // NaN, infinities and -1 are Flink's and its client's words for unknown.
    if (!Number.isFinite(value) || value < 0) return true
    const before = operator.gauges[gauge]
    operator.gauges[gauge] =
      before === undefined ? value : gauge === 'pendingOfCluster' ? before + value : Math.max(before, value)
    return true
  }

  function addTask(gauge: keyof Task, labels: Labels, jobId: string, value: number): boolean {
    const subtask = wholeNumber(labels.subtask ?? '0')
    const attempt = wholeNumber(labels.attempt ?? '0')
    if (subtask === undefined || attempt === undefined) return false
    if (!Number.isFinite(value) || value < 0) return true
    const key = keyOf(jobId, labels.taskId ?? '', subtask, attempt)
    const task = tasks.get(key) ?? {}
    task[gauge] = value
    tasks.set(key, task)
    return true
  }

  function operatorReading({ labels, task, gauges }: Operator): OperatorReading {
    const pendingRecords = gauges.pending ?? gauges.pendingOfCluster
    const backPressure = shareOf(tasks.get(task))
    return {
      operator: labels,
      ...(pendingRecords === undefined ? {} : { pendingRecords }),
      ...(gauges.recordsLagMax === undefined ? {} : { recordsLagMax: gauges.recordsLagMax }),
      ...(backPressure === undefined ? {} : { backPressure }),
      ...(gauges.watermarkLag === undefined ? {} : { watermarkLagMs: gauges.watermarkLag }),
      ...(gauges.emitEventTimeLag === undefined ? {} : { emitEventTimeLagMs: gauges.emitEventTimeLag }),
    }
  }

  return {
    add: (kind, labels, value) => {
      const { jobId = '' } = labels
      if (jobId === '') return false
      if (kind.of === 'partition') return addPartition(kind, labels, jobId, value)
      if (kind.of === 'operator') return addGauge(kind.gauge, labels, jobId, value)
      return addTask(kind.gauge, labels, jobId, value)
    },
    size: () => partitions.size + operators.size + tasks.size + contradicted.size,
    readings: () => ({
      partitions: [...partitions.values()],
      operators: [...operators.values()].map(operatorReading),
    }),
  }
}

/** Up to 1.12 there is only whether it is so. */
function shareOf(task: Task | undefined): number | undefined {
  const { isBackPressured, backPressuredMsPerSecond } = task ?? {}
  return backPressuredMsPerSecond === undefined
    ? isBackPressured && Math.min(1, isBackPressured)
    : Math.min(1, backPressuredMsPerSecond / 1_000)
}

/** Label values may hold anything but this: Kafka and Flink have no names with it. */
function keyOf(...parts: readonly (string | number)[]): string {
  return parts.join('\0')
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : undefined
}
