import type { JobQuestions } from './job-questions.ts'
import { metricMax, readList, type VertexEntry } from './rest-shapes.ts'

export interface KnownVertex {
  /** Milliseconds in which its subtasks were held up since they started. */
  readonly accumulatedMs?: number
  /** Share of the time, 0 to 1, of the subtask that is held up most. */
  readonly share?: number
}

/**
 * How much of the time a vertex is held up. From 1.16 on the vertex itself says how long it was held up so far: while that
 * stands still since a look at which nothing was, nothing is, and nothing need be asked. Before 1.13 nobody knows.
 */
export async function readPressure(
  vertex: VertexEntry,
  known: KnownVertex | undefined,
  version: string | undefined,
  questions: JobQuestions,
): Promise<KnownVertex> {
  if (vertex.status !== 'RUNNING' || isBefore113(version)) return {}
  const accumulatedMs = vertex.metrics?.['accumulated-backpressured-time']
  const now = accumulatedMs === undefined ? {} : { accumulatedMs }
  const stands = accumulatedMs !== undefined && accumulatedMs === known?.accumulatedMs
  if (stands && known?.share === 0) return known
  const path = `/vertices/${vertex.id}/subtasks/metrics?get=backPressuredTimeMsPerSecond&agg=max`
  const answer = await questions.ask('Back-pressure', path)
  const metrics = answer && (await readList(answer.value, 'Metric', metricMax))
  const found = metrics?.elements.find(({ id }) => id === 'backPressuredTimeMsPerSecond')
  return found === undefined ? now : { ...now, share: Math.min(1, Math.max(0, found.max / 1_000)) }
}

function isBefore113(version: string | undefined): boolean {
  const found = /^(\d+)\.(\d+)/.exec(version ?? '')
  return found !== null && Number(found[1]) === 1 && Number(found[2]) < 13
}
