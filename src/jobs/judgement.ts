import type { Finding } from '../model/finding.ts'
import type { Job } from '../model/job.ts'
import type { JobFacts } from './facts.ts'
import { namesKafka } from './plan-scans.ts'

/** What came of looking for one kind of finding: it is there, it is not, or the facts do not tell this time. */
type Judgement = Finding | 'fine' | 'unknown'

export type Judge = (facts: JobFacts) => Judgement

export function isRunning({ state }: Job): boolean {
  return state === 'RUNNING'
}

/** Signs that the job reads Kafka; a table of SQL shows none in its plan, only its gauges do. */
export function readsKafka({ job, gauges, groups }: JobFacts): boolean {
  return (
    groups.length > 0 ||
    (gauges !== undefined && gauges.partitions.length > 0) ||
    job.plan.some(({ description }) => namesKafka(description)) ||
    job.vertices.some(({ name }) => namesKafka(name))
  )
}
