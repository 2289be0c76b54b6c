import type { JobGauges, SeenOperator, SeenPage, SeenPartition } from './facts.ts'

/**
 * The gauges of each job, by job id, out of the pages of one scope: an application or a Flink cluster. After a restart a
 * page may still have the series of the attempt before, or another page that was read earlier may: what the last attempt
 * of a subtask says is kept alone. A step for each page.
 */
export function* gaugesByJob(pages: Iterable<SeenPage>): Generator<void, ReadonlyMap<string, JobGauges>, void> {
  const jobs = new Map<string, Collected>()
  for (const { url, page } of pages) {
    for (const reading of page.partitions) {
      const job = collected(jobs, reading)
      job.partitions.push({ ...reading, url })
      noteAttempt(job, reading)
    }
    for (const reading of page.operators) {
      const job = collected(jobs, reading)
      job.operators.push(reading)
      noteAttempt(job, reading)
    }
    yield
  }
  const gauges = new Map<string, JobGauges>()
  for (const [id, { partitions, operators, attempts }] of jobs) {
    const isLast = ({ operator }: SeenOperator | SeenPartition): boolean =>
      operator.attempt === attempts.get(subtaskKey(operator))
    gauges.set(id, { partitions: partitions.filter(isLast), operators: operators.filter(isLast) })
    yield
  }
  return gauges
}

interface Collected {
  readonly partitions: (SeenPartition & { readonly url: string })[]
  readonly operators: SeenOperator[]
  /** The last attempt of each subtask of each vertex. */
  readonly attempts: Map<string, number>
}

function collected(jobs: Map<string, Collected>, { operator }: SeenOperator | SeenPartition): Collected {
  const found = jobs.get(operator.jobId)
  if (found !== undefined) return found
  const job = { partitions: [], operators: [], attempts: new Map<string, number>() }
  jobs.set(operator.jobId, job)
  return job
}

function noteAttempt({ attempts }: Collected, { operator }: SeenOperator | SeenPartition): void {
  const key = subtaskKey(operator)
  if (operator.attempt > (attempts.get(key) ?? -1)) attempts.set(key, operator.attempt)
}

function subtaskKey({ taskId, subtask }: SeenPartition['operator']): string {
  return `${taskId} ${subtask}`
}
