import type { FlinkJob, JobVertex, JobWorld } from './flink-job.ts'
import type { KafkaState } from './kafka-state.ts'

/** One at a time: where one hangs, no other begins. */
export function triggerCheckpoint(job: FlinkJob, world: JobWorld): void {
  const { checkpoints } = job
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

export function failCheckpoint({ checkpoints }: FlinkJob, id: number, at: number, message: string): void {
  checkpoints.failed++
  checkpoints.lastFailed = { id, at, message }
}

/** What the position of a partition is kept under. */
export function splitKey({ id }: JobVertex, topic: string, partition: number): string {
  return `${id}/${topic}/${partition}`
}
