import type { FoundScope } from '../discovery/discoverer.ts'
import type { PageReading } from '../flink/flink-page.ts'
import type { Job } from '../model/job.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { idOf } from '../targets/identity.ts'

/** A source of a running job of which not every subtask stands on a page. */
export interface UnseenSource {
  readonly scope: FoundScope
  readonly job: Job
  /** Id of the vertex. */
  readonly vertex: string
}

/** Flink takes a TaskManager for dead after `heartbeat.timeout`, 50 s by default. */
const noticedMs = 120_000

/** Has processes without a reporter, so that only its JobManager can tell what they read. */
export function isMute({ silent }: FoundScope): boolean {
  return silent.some(({ process }) => process !== 'jobmanager')
}

/**
 * True while a JobManager may still tell of a process that is dead: a TaskManager had a reporter, and it is gone. After
 * two minutes in which Flink goes on listing it, it lives and has lost its reporter only.
 */
export function mayTellOfDead({ silent }: FoundScope, clock: Clock): boolean {
  const now = clock.monotonic()
  return silent.some(
    ({ process, hasEnded, lostAt }) =>
      process !== 'jobmanager' && (hasEnded === true || (lostAt !== undefined && now - lostAt < noticedMs)),
  )
}

/** In a scope with such processes. Sources by the plan: what reads from nothing. */
export async function unseenSources(
  scope: FoundScope,
  pages: ReadonlyMap<string, PageReading>,
): Promise<readonly UnseenSource[]> {
  const seen = await subtasksOnPages(scope, pages)
  const breathe = breather()
  const unseen: UnseenSource[] = []
  for (const job of scope.jobs) {
    if (job.state !== 'RUNNING') continue
    const sources = new Set(job.plan.filter(({ inputs }) => inputs.length === 0).map(({ id }) => id))
    for (const { id: vertex, parallelism, state } of job.vertices)
      if (sources.has(vertex) && state !== 'FINISHED' && (seen.get(`${job.id} ${vertex}`)?.size ?? 0) < parallelism)
        unseen.push({ scope, job, vertex })
    await breathe()
  }
  return unseen
}

/** By job and vertex. */
async function subtasksOnPages(
  { reporters }: FoundScope,
  pages: ReadonlyMap<string, PageReading>,
): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
  const seen = new Map<string, Set<number>>()
  const breathe = breather()
  for (const reporter of reporters) {
    for (const { operator } of pages.get(idOf(reporter))?.page.partitions ?? []) {
      const key = `${operator.jobId} ${operator.taskId}`
      const subtasks = seen.get(key) ?? new Set<number>()
      seen.set(key, subtasks.add(operator.subtask))
    }
    await breathe()
  }
  return seen
}
