import type { Job } from '../model/job.ts'

/** How often a job was restarted, over all its runs. */
export interface RestartCount {
  /** Absent while Flink has not told and the run is still the first. */
  readonly total?: number
  /** Which run was counted last, and what Flink said of it. */
  readonly run: string
  readonly said: number
}

/**
 * Goes on from what was counted before. Flink counts the restarts of one run and from 0 again in the next: another
 * attempt of the application, another JobManager, or a job that was submitted anew. Each next run is one restart more.
 * Never falls.
 */
export function countRestarts(before: RestartCount | undefined, job: Job): RestartCount {
  const run = JSON.stringify([job.application?.id, job.application?.attempt, job.id, job.startedAt])
  const told = job.restarts !== undefined && job.restarts >= 0 ? job.restarts : undefined
  const said = told ?? 0
  if (before === undefined) return { run, said, ...(told === undefined ? {} : { total: said }) }
  const counted = before.total ?? 0
  if (before.run !== run) return { run, said, total: counted + 1 + said }
  if (told === undefined) return before
  return { run, said, total: counted + (said < before.said ? said : said - before.said) }
}
