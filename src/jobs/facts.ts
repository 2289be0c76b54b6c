import type { Job } from '../model/job.ts'
import type { ConsumerJudgement } from '../model/judgement.ts'

/** What a TaskManager's page shows of one partition; a `PartitionReading` of the Flink client is one. */
export interface SeenPartition {
  readonly operator: SeenLabels
  readonly generation: 'source' | 'legacy'
  readonly kafkaCluster?: string
  /** As the page shows it. */
  readonly topic: string
  readonly partition: number
  readonly current?: number
  readonly committed?: number
}

/** What a TaskManager's page shows of one operator; an `OperatorReading` of the Flink client is one. */
export interface SeenOperator {
  readonly operator: SeenLabels
  readonly pendingRecords?: number
  readonly backPressure?: number
  readonly watermarkLagMs?: number
}

interface SeenLabels {
  readonly jobId: string
  readonly taskId: string
  readonly operatorId: string
  readonly operatorName: string
  readonly subtask: number
  readonly attempt: number
}

/** A page with where it was read; a `PageReading` of the Flink client is one. */
export interface SeenPage {
  readonly url: string
  readonly page: { readonly partitions: readonly SeenPartition[]; readonly operators: readonly SeenOperator[] }
}

/** The gauges of one job on all pages of its processes, of the last attempt of each subtask only. */
export interface JobGauges {
  readonly partitions: readonly (SeenPartition & { readonly url: string })[]
  readonly operators: readonly SeenOperator[]
}

/**
 * All that findings and figures of one job are made of. Whoever fills it in leaves out what is not known: a finding
 * that needs it is then neither made nor taken back.
 */
export interface JobFacts {
  /** From the JobManager, as the inventory has it. */
  readonly job: Job
  /** Milliseconds of the wall clock. */
  readonly now: number
  /** From the inventory. */
  readonly namesakes: readonly string[]
  /** From the last pages of the TaskManagers of the job's scope (not of its whole Flink cluster: with high availability every application has the same job id), by `gaugesByJob`; absent when none of them could be read. */
  readonly gauges?: JobGauges
  /** Every TaskManager of the scope has a page, read a short time ago. */
  readonly hasAllPages: boolean
  /** From discovery: processes of the scope without a reporter. */
  readonly silent: readonly { readonly process: string; readonly host: string; readonly why: string }[]
  /** From the catalog of the Kafka cluster: how many partitions stand behind a topic as pages show it; undefined when it is not exactly one topic, or not known. */
  readonly partitionsOf: (topic: string, kafkaCluster: string | undefined) => number | undefined
  /** From the last snapshot: records lag of the job on one partition; undefined when unknown. */
  readonly lagOf: (topic: string, partition: number, kafkaCluster: string | undefined) => number | undefined
  /** From the last snapshots: how its consumer is doing; absent when nobody judges it. */
  readonly judged?: ConsumerJudgement
  /** From the configuration, or learned: the consumer groups that the job commits to. */
  readonly groups: readonly string[]
  /** Labels of other jobs with one of these groups. */
  readonly groupSharedWith: readonly { readonly group: string; readonly label: string }[]
}
