import { failCheckpoint, triggerCheckpoint } from './flink-checkpoints.ts'
import { deploy } from './flink-deploy.ts'
import { type BackPressure, type FlinkJob, isHeldUp, type JobWorld } from './flink-job.ts'
import type { SourcePlan } from './flink-plan.ts'
import type { FlinkProcess } from './flink-process.ts'
import { hangSplit, readSplit, type Split } from './flink-splits.ts'

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

/** Its tasks end, and it waits for some seconds until it starts them again. */
export function restartJob(
  job: FlinkJob,
  cause: { readonly name: string; readonly message: string; readonly taskManager?: FlinkProcess },
  restoresIn: number,
  world: JobWorld,
): void {
  if (job.state !== 'RUNNING') return
  const [first] = job.vertices.flatMap(({ subtasks }) => subtasks)
  const where = first?.taskManager === undefined ? {} : { taskManager: first.taskManager }
  job.exceptions.unshift({ ...where, ...cause, at: world.now(), taskName: `${job.vertices[0]?.plan.name ?? ''} (1/1)` })
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
