import type { JobPlan, VertexPlan } from './flink-plan.ts'
import type { FlinkProcess } from './flink-process.ts'
import type { Split } from './flink-splits.ts'
import type { KafkaState } from './kafka-state.ts'

/** A job as its JobManager knows it; whoever holds it may look, and changes it by the functions of flink-job-life.ts, and by its switches. */
export interface FlinkJob {
  /** 32 hex digits. */
  readonly id: string
  readonly plan: JobPlan
  readonly vertices: readonly JobVertex[]
  /** Milliseconds since 1970, as all times here. */
  readonly startedAt: number
  endedAt?: number
  /** When a task started or ended last. */
  modifiedAt: number
  state: 'RUNNING' | 'RESTARTING' | 'FINISHED' | 'CANCELED' | 'FAILED'
  restarts: number
  readonly checkpoints: Checkpoints
  /** The newest first. */
  readonly exceptions: JobException[]
  /** Nothing is emitted and no checkpoint ends. */
  isStuck: boolean
  /** Where its sources are held up by what comes behind them. */
  backPressure?: BackPressure
  /** Every checkpoint is declined. */
  failsCheckpoints: boolean
  /** Seconds until it is restored; while it restarts. */
  restoresIn: number
}

export interface JobVertex {
  /** 32 hex digits, the same in unrelated jobs. */
  readonly id: string
  readonly plan: VertexPlan
  readonly subtasks: readonly Subtask[]
  /** Milliseconds in which its subtasks were held up. */
  backPressuredMs: number
}

export interface Subtask {
  readonly index: number
  /** Rises with every restart. */
  attempt: number
  /** 32 hex digits: one for all subtasks of an execution of the job. */
  execution: string
  /** Absent while it is not deployed. */
  taskManager?: FlinkProcess
  splits: readonly Split[]
}

export interface BackPressure {
  /** Of the time, 0 to 1. */
  readonly share: number
  /** What the source can still hand on, of each partition. */
  readonly recordsPerSecond: number
}

interface Checkpoints {
  completed: number
  failed: number
  restored: number
  inProgress?: { readonly id: number; readonly triggeredAt: number }
  lastCompleted?: { readonly id: number; readonly at: number; readonly positions: ReadonlyMap<string, number> }
  lastFailed?: { readonly id: number; readonly at: number; readonly message: string }
  lastRestored?: { readonly id: number; readonly at: number }
  /** Seconds since one was triggered. */
  since: number
}

interface JobException {
  readonly at: number
  readonly name: string
  readonly message: string
  readonly taskName: string
  readonly taskManager?: FlinkProcess
}

/** What a job has behind it when the simulation begins. */
export interface JobHistory {
  readonly ageSeconds?: number
  readonly completedCheckpoints?: number
  /** Seconds since the last of them; a second by default. */
  readonly lastCheckpointSeconds?: number
  readonly restarts?: number
}

export interface JobWorld {
  readonly state: KafkaState
  readonly now: () => number
  readonly hex: (digits: number) => string
}

/** Created, and not deployed yet. */
export function createJob(plan: JobPlan, history: JobHistory, { now, hex }: JobWorld): FlinkJob {
  const at = now()
  const startedAt = at - (history.ageSeconds ?? 0) * 1_000
  const { completedCheckpoints = 0, lastCheckpointSeconds = 1, restarts = 0 } = history
  return {
    id: hex(32),
    plan,
    vertices: plan.vertices.map((vertex, index) => ({
      id: vertexIds[index] ?? hex(32),
      plan: vertex,
      subtasks: Array.from({ length: vertex.parallelism }, (_, subtask) => ({
        index: subtask,
        attempt: restarts - 1,
        execution: '',
        splits: [],
      })),
      backPressuredMs: 0,
    })),
    startedAt,
    modifiedAt: startedAt + 1_500,
    state: 'RESTARTING',
    // Its first deployment is none.
    restarts: restarts - 1,
    checkpoints: {
      completed: completedCheckpoints,
      failed: 0,
      restored: restarts,
      since: 0,
      ...(completedCheckpoints === 0
        ? {}
        : {
            lastCompleted: {
              id: completedCheckpoints,
              at: at - lastCheckpointSeconds * 1_000,
              positions: new Map(),
            },
          }),
    },
    exceptions: [],
    isStuck: false,
    failsCheckpoints: false,
    restoresIn: 0,
  }
}

/** Ids that Flink SQL gives to the vertices of small jobs. */
const vertexIds = [
  'cbc357ccb763df2852fee8c4fc7d55f2',
  '6cdc5bb954874d922eaee11a8e7b5dd5',
  '4925de6ecf34e85bb28d958659d9c37b',
  'fb16de4d3a5840967ae5b40df54bf860',
]

/** Slots that it needs. */
export function slotsOf({ plan }: FlinkJob): number {
  return Math.max(...plan.vertices.map(({ parallelism }) => parallelism))
}

/** Back-pressure is felt by vertices that others read from. */
export function isHeldUp(job: FlinkJob, vertex: JobVertex): boolean {
  const index = job.vertices.indexOf(vertex)
  return job.backPressure !== undefined && job.plan.vertices.some(({ inputs }) => inputs.includes(index))
}
