import type { JobPlan, SourcePlan, VertexPlan } from './flink-plan.ts'
import type { FlinkProcess } from './flink-process.ts'
import { committedOf, endOf, hangSplit, newSplit, ownerOf, readSplit, type Split, startOf } from './flink-splits.ts'
import type { KafkaState } from './kafka-state.ts'

/** A job as its JobManager knows it; whoever holds it may look, and changes it by the functions here. */
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

export interface Checkpoints {
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

/** Starts all its tasks, subtask n of each vertex in slot n, from the last checkpoint if there was one. */
export function deploy(job: FlinkJob, slots: readonly FlinkProcess[], world: JobWorld): void {
  const execution = world.hex(32)
  const { lastCompleted } = job.checkpoints
  for (const vertex of job.vertices) {
    const { source } = vertex.plan
    for (const subtask of vertex.subtasks) {
      const isGoingOn = subtask.execution === '' && lastCompleted !== undefined
      subtask.attempt++
      subtask.execution = execution
      subtask.taskManager = slots[subtask.index]!
      subtask.splits = source === undefined ? [] : splitsOf(source, vertex, subtask, job, isGoingOn, world.state)
    }
  }
  job.restarts++
  job.state = 'RUNNING'
  if (job.restarts === 0) return
  job.modifiedAt = world.now()
  if (lastCompleted !== undefined && lastCompleted.positions.size > 0) {
    job.checkpoints.restored++
    job.checkpoints.lastRestored = { id: lastCompleted.id, at: world.now() }
  }
}

/** @param isGoingOn the simulation begins in the middle of its life: it has read and committed before */
function splitsOf(
  source: SourcePlan,
  vertex: JobVertex,
  subtask: Subtask,
  { checkpoints }: FlinkJob,
  isGoingOn: boolean,
  state: KafkaState,
): readonly Split[] {
  const { topics, partitions = Number.POSITIVE_INFINITY } = source
  return topics.flatMap((topic) =>
    Array.from({ length: Math.min(partitions, state.topics.get(topic)?.partitions.length ?? 0) }, (_, p) => p)
      .filter((partition) => ownerOf(topic, partition, vertex.subtasks.length) === subtask.index)
      .map((partition) => {
        const committed = committedOf(state, source.group, topic, partition)
        const restored = checkpoints.lastCompleted?.positions.get(splitKey(vertex, topic, partition))
        const position = restored ?? committed ?? firstPosition(source, topic, partition, state)
        const split = newSplit(topic, partition, position)
        return isGoingOn ? { ...split, hasEmitted: true, ...(committed === undefined ? {} : { committed }) } : split
      }),
  )
}

function firstPosition({ startsBehind }: SourcePlan, topic: string, partition: number, state: KafkaState): number {
  const start = startOf(state, topic, partition)
  return startsBehind === undefined ? start : Math.max(start, endOf(state, topic, partition) - startsBehind)
}

/** One second of its life; `slots` gives it a place to run again, when there is one. */
export function stepJob(job: FlinkJob, slots: () => readonly FlinkProcess[] | undefined, world: JobWorld): void {
  if (job.state === 'RESTARTING' && --job.restoresIn <= 0) {
    const found = slots()
    if (found !== undefined) deploy(job, found, world)
  }
  if (job.state !== 'RUNNING') return
  for (const vertex of job.vertices) {
    const { source } = vertex.plan
    if (isHeldUp(job, vertex)) vertex.backPressuredMs += (job.backPressure?.share ?? 0) * 1_000
    for (const split of vertex.subtasks.flatMap(({ splits }) => splits)) {
      if (job.isStuck) {
        if (split.highWatermark === undefined) readSplit(split, world.state, 1)
        if (clientMayRead(split)) hangSplit(split, world.state)
      } else readSplit(split, world.state, rateOf(source, job.backPressure))
    }
  }
  job.checkpoints.since++
  if (job.plan.checkpointSeconds !== undefined && job.checkpoints.since >= job.plan.checkpointSeconds)
    triggerCheckpoint(job, world)
}

/** True while not all that it knows of has been fetched. */
function clientMayRead({ fetched, highWatermark = 0 }: Split): boolean {
  return fetched < highWatermark
}

function rateOf(source: SourcePlan | undefined, backPressure: BackPressure | undefined): number {
  return Math.min(
    source?.recordsPerSecond ?? Number.POSITIVE_INFINITY,
    backPressure?.recordsPerSecond ?? Number.POSITIVE_INFINITY,
  )
}

/** Back-pressure is felt by vertices that others read from. */
export function isHeldUp(job: FlinkJob, vertex: JobVertex): boolean {
  const index = job.vertices.indexOf(vertex)
  return job.backPressure !== undefined && job.plan.vertices.some(({ inputs }) => inputs.includes(index))
}

function triggerCheckpoint(job: FlinkJob, world: JobWorld): void {
  const { checkpoints } = job
  // One at a time.
  if (checkpoints.inProgress !== undefined) return
  checkpoints.since = 0
  const id = checkpoints.completed + checkpoints.failed + 1
  const at = world.now()
  if (job.isStuck) checkpoints.inProgress = { id, triggeredAt: at }
  else if (job.failsCheckpoints) failCheckpoint(job, id, at, 'Checkpoint was declined.')
  else completeCheckpoint(job, id, at, world.state)
}

function completeCheckpoint(job: FlinkJob, id: number, at: number, state: KafkaState): void {
  const positions = new Map<string, number>()
  for (const vertex of job.vertices) {
    for (const split of vertex.subtasks.flatMap(({ splits }) => splits)) {
      const { topic, partition, position } = split
      positions.set(splitKey(vertex, topic, partition), position)
      const group = vertex.plan.source?.group
      if (group === undefined) continue
      state.commit(group, topic, partition, BigInt(position))
      split.committed = position
    }
  }
  job.checkpoints.completed++
  job.checkpoints.lastCompleted = { id, at, positions }
}

function failCheckpoint({ checkpoints }: FlinkJob, id: number, at: number, message: string): void {
  checkpoints.failed++
  checkpoints.lastFailed = { id, at, message }
}

/** Its tasks end, and it waits for some seconds until it starts them again. */
export function restartJob(
  job: FlinkJob,
  cause: { readonly name: string; readonly message: string; readonly taskManager?: FlinkProcess },
  restoresIn: number,
  world: JobWorld,
): void {
  if (job.state !== 'RUNNING') return
  job.exceptions.unshift({ ...cause, at: world.now(), taskName: `${job.vertices[0]?.plan.name ?? ''} (1/1)` })
  job.exceptions.splice(16)
  endTasks(job, world)
  job.state = 'RESTARTING'
  job.restoresIn = restoresIn
}

/** It is over. */
export function endJob(job: FlinkJob, state: 'FINISHED' | 'CANCELED' | 'FAILED', world: JobWorld): void {
  endTasks(job, world)
  job.state = state
  job.endedAt = world.now()
}

function endTasks(job: FlinkJob, { now }: JobWorld): void {
  const { checkpoints } = job
  if (checkpoints.inProgress !== undefined)
    failCheckpoint(job, checkpoints.inProgress.id, now(), 'Checkpoint Coordinator is suspending.')
  delete checkpoints.inProgress
  checkpoints.since = 0
  job.modifiedAt = now()
  for (const subtask of job.vertices.flatMap(({ subtasks }) => subtasks)) {
    delete subtask.taskManager
    subtask.splits = []
  }
}

function splitKey({ id }: JobVertex, topic: string, partition: number): string {
  return `${id}/${topic}/${partition}`
}
