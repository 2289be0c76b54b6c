import { splitKey } from './flink-checkpoints.ts'
import type { FlinkJob, JobVertex, JobWorld, Subtask } from './flink-job.ts'
import type { SourcePlan } from './flink-plan.ts'
import type { FlinkProcess } from './flink-process.ts'
import { committedOf, endOf, newSplit, ownerOf, type Split, startOf } from './flink-splits.ts'
import type { KafkaState } from './kafka-state.ts'

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
