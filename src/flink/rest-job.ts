import type { z } from 'zod'
import type { JobCheckpoints, JobVertex, PlanNode } from '../model/job.ts'
import { planText } from './plan-text.ts'
import type { CheckpointStatistics, JobExceptions, planEntry, VertexEntry } from './rest-shapes.ts'

/** Longest text of an exception that is kept. */
const mostText = 2_000

export function vertexOf(entry: VertexEntry, backPressure: number | undefined): JobVertex {
  return {
    id: entry.id,
    name: entry.name,
    parallelism: entry.parallelism,
    state: entry.status,
    ...(backPressure === undefined ? {} : { backPressure }),
  }
}

export function planNodeOf(entry: z.output<typeof planEntry>): PlanNode {
  return {
    id: entry.id,
    description: planText(entry.description),
    parallelism: entry.parallelism,
    inputs: (entry.inputs ?? []).map(({ id }) => id),
  }
}

/** The last one that ended well may be a savepoint: it holds the same state, and commits the same offsets. */
export function checkpointsOf(
  { counts, latest }: CheckpointStatistics,
  intervalMs: number | undefined,
): JobCheckpoints {
  const ends = [latest.completed?.latest_ack_timestamp, latest.savepoint?.latest_ack_timestamp]
  const lastCompletedAt = Math.max(...ends.map((at) => at ?? 0))
  const restoredAt = latest.restored?.restore_timestamp
  const failedAt = latest.failed?.failure_timestamp
  return {
    completed: counts.completed,
    failed: counts.failed,
    inProgress: counts.in_progress,
    restored: counts.restored,
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(lastCompletedAt === 0 ? {} : { lastCompletedAt }),
    ...(restoredAt === undefined ? {} : { lastRestoredAt: restoredAt }),
    ...(failedAt === undefined
      ? {}
      : { lastFailure: { at: failedAt, text: withoutFrames(latest.failed?.failure_message ?? '') } }),
  }
}

/** Flink has 2^63 − 1 for an interval that nobody set. */
export function intervalOf(interval: number): number | undefined {
  return interval > 0 && interval <= Number.MAX_SAFE_INTEGER ? interval : undefined
}

/** The newest of both forms: `exceptionHistory` (from 1.13 on), `root-exception` (before 2.0). */
export function lastExceptionOf(exceptions: JobExceptions): { readonly at: number; readonly text: string } | undefined {
  let at = 0
  let trace = ''
  for (const entry of exceptions.exceptionHistory?.entries ?? []) {
    if (entry.timestamp <= at) continue
    at = entry.timestamp
    trace = entry.stacktrace
  }
  const root = exceptions['root-exception'] ?? ''
  const rootAt = exceptions.timestamp ?? 0
  if (root !== '' && rootAt > at) {
    at = rootAt
    trace = root
  }
  return at === 0 ? undefined : { at, text: withoutFrames(trace) }
}

/** A stack trace without its frames: what went wrong, and what caused it. */
function withoutFrames(trace: string): string {
  const lines = trace
    .slice(0, 32 * mostText)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/^\s+(?:at |\.\.\. \d)/.test(line))
  return lines.join('\n').slice(0, mostText)
}
