import { findingKinds } from '../model/finding.ts'
import { type JobView, jobStates } from '../model/job-view.ts'
import { jobLabel, jobTable } from './job-lines.ts'
import { headText } from './label-text.ts'
import { PageWriter } from './page-writer.ts'
import { byName, sortInSteps } from './sort-in-steps.ts'

export interface JobRenderOptions {
  /** Most series; no limit when absent. */
  readonly limit?: number | undefined
  /** Told how many series the limit left out, 0 included. */
  readonly onDropped?: ((count: number) => void) | undefined
}

const OF_JOB =
  jobTable.filter(({ ofSources }) => ofSources !== true).length - 2 + jobStates.length + findingKinds.length
const OF_SOURCE = jobTable.filter(({ ofSources }) => ofSources === true).length

/**
 * The families of jobs in Prometheus' text format 0.0.4, as chunks of at most 256 KiB in short steps; an empty chunk is
 * a step that wrote nothing. In the order of Flink clusters and labels, the same bytes for the same jobs. Past the limit
 * sources go first, of the jobs that have most of them, and then whole jobs, those that are gone before the others.
 */
export function* renderJobs(
  jobs: readonly JobView[],
  { limit = Number.POSITIVE_INFINITY, onDropped }: JobRenderOptions = {},
): Generator<Uint8Array, void> {
  const page = new PageWriter()
  const sorting = sortInSteps(jobs, byLabel)
  let step = sorting.next()
  for (; step.done !== true; step = sorting.next()) yield* page.take()
  const chosen = choose(step.value, limit)
  onDropped?.(chosen.dropped)
  if (jobs.length === 0) return
  for (const { family, samples, ofSources } of jobTable) {
    page.text(headText(family))
    for (const [index, job] of chosen.jobs.entries()) {
      if (ofSources && chosen.withoutSources.has(job)) continue
      for (const { labels, value } of samples(job)) {
        page.label(jobLabel(family, job, labels))
        if (!page.fits()) yield* page.take()
        page.line(value)
      }
      if (index % 256 === 255) yield* page.take()
    }
  }
  yield* page.take()
}

interface Chosen {
  readonly jobs: readonly JobView[]
  readonly withoutSources: ReadonlySet<JobView>
  readonly dropped: number
}

/** Counted as if every number were known, so that what is left out does not change with what is known. */
function choose(jobs: readonly JobView[], limit: number): Chosen {
  const before = jobs.reduce((sum, { sources }) => sum + OF_JOB + sources.length * OF_SOURCE, 0)
  if (before <= limit) return { jobs, withoutSources: new Set(), dropped: 0 }
  let series = before
  const withoutSources = new Set<JobView>()
  for (const job of jobs.toSorted((a, b) => b.sources.length - a.sources.length)) {
    if (series <= limit || job.sources.length === 0) break
    withoutSources.add(job)
    series -= job.sources.length * OF_SOURCE
  }
  if (series <= limit) return { jobs, withoutSources, dropped: before - series }
  const most = Math.max(0, Math.floor(limit / OF_JOB))
  const kept = new Set(jobs.toSorted((a, b) => Number(b.present === true) - Number(a.present === true)).slice(0, most))
  return { jobs: jobs.filter((job) => kept.has(job)), withoutSources, dropped: before - kept.size * OF_JOB }
}

function byLabel(a: JobView, b: JobView): number {
  return byName(a.flinkCluster, b.flinkCluster) || byName(a.label, b.label)
}
