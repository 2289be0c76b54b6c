import type { JobFacts, JobGauges } from '../../src/jobs/facts.ts'
import type { InventoryRules } from '../../src/jobs/inventory.ts'
import { inventoryDefaults } from '../../src/jobs/inventory.ts'
import type { Job } from '../../src/model/job.ts'
import type { JobView } from '../../src/model/job-view.ts'

/** Wall clock of the fakes: 2026-11-30. */
export const NOW = Date.UTC(2026, 10, 30)

export function fakeJob(more: Partial<Job> = {}): Job {
  return {
    flinkCluster: 'prod',
    name: 'orders',
    id: '0123456789abcdef0123456789abcdef',
    state: 'RUNNING',
    startedAt: NOW - 3_600_000,
    version: '2.2.1',
    rest: 'http://10.0.0.1:8081',
    vertices: [],
    plan: [],
    takenAt: 0,
    unread: [],
    ...more,
  }
}

export function fakeApplication(number: number, attempt = 1): NonNullable<Job['application']> {
  const id = `application_1700000000000_${String(number).padStart(4, '0')}`
  return { id, attempt, name: `app ${number}`, queue: 'stream', user: 'flink', tags: [] }
}

export function fakeRules(more: Partial<InventoryRules> = {}): InventoryRules {
  return {
    expects: () => undefined,
    named: [],
    isConfigured: () => true,
    isRead: () => true,
    ...inventoryDefaults,
    ...more,
  }
}

export function fakeFacts(more: Partial<JobFacts> = {}): JobFacts {
  return {
    job: fakeJob(),
    now: NOW,
    namesakes: [],
    hasAllPages: true,
    silent: [],
    partitionsOf: () => undefined,
    lagOf: () => undefined,
    groups: [],
    groupSharedWith: [],
    ...more,
  }
}

interface FakeReading {
  readonly task?: string
  readonly operator?: string
  readonly subtask?: number
  readonly attempt?: number
  readonly topic?: string
  readonly partition?: number
  readonly current?: number
  readonly generation?: 'source' | 'legacy'
  readonly kafkaCluster?: string
  readonly url?: string
}

export function fakeReading(reading: FakeReading): JobGauges['partitions'][number] {
  const { task = 't1', operator = 'o1', subtask = 0, attempt = 0, topic = 'orders', partition = 0 } = reading
  return {
    operator: {
      jobId: fakeJob().id,
      taskId: task,
      operatorId: operator,
      operatorName: `Source: ${operator}`,
      subtask,
      attempt,
    },
    generation: reading.generation ?? 'source',
    topic,
    partition,
    url: reading.url ?? 'http://10.0.0.2:9250',
    ...(reading.current === undefined ? {} : { current: reading.current }),
    ...(reading.kafkaCluster === undefined ? {} : { kafkaCluster: reading.kafkaCluster }),
  }
}

export function fakeGauges(...readings: readonly FakeReading[]): JobGauges {
  return { partitions: readings.map(fakeReading), operators: [] }
}

export function fakeView(more: Partial<JobView> = {}): JobView {
  return {
    flinkCluster: 'prod',
    label: 'orders',
    name: 'orders',
    job: fakeJob(),
    present: true,
    expectedRunning: true,
    restarts: 0,
    groups: [],
    sources: [],
    findings: [],
    ...more,
  }
}

/** The result of a computation that yields between its steps, and how many there were. */
export function inSteps<T>(work: Iterator<unknown, T>): { readonly value: T; readonly steps: number } {
  for (let steps = 1; ; steps++) {
    const step = work.next()
    if (step.done === true) return { value: step.value, steps }
  }
}
