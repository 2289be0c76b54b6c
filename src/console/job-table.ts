import { findingRank } from '../model/finding.ts'
import { type JobView, jobState } from '../model/job-view.ts'
import { type Html, html, linkTo } from './html.ts'
import { statusLink } from './status-link.ts'
import { counted, inDigits, inWords } from './words.ts'

/** Jobs, those that need somebody first, at most `limit`, and a sentence about the others. */
export function jobTable(jobs: readonly JobView[], limit: number): Html {
  if (jobs.length === 0) return html`<p>No job has been seen yet.</p>`
  return html`<div class="scroll" role="region" aria-labelledby="jobs" tabindex="0">
<table>
<thead><tr><th scope="col">Job</th><th scope="col">State</th><th scope="col">Status</th><th scope="col">Findings</th><th scope="col" class="number">Lag in records</th><th scope="col" class="number">Restarts</th><th scope="col">Flink cluster</th></tr></thead>
<tbody>
${worstFirst(jobs).slice(0, limit).map(jobRow)}</tbody>
</table>
</div>
<p class="quiet">${summary(jobs, limit)}</p>`
}

/** Jobs that are missing come first, then those that do not read, then those with the worst finding; equals by what else is wrong, and by name. */
export function worstFirst(jobs: readonly JobView[]): readonly JobView[] {
  const ranks = new Map(jobs.map((job) => [job, rankOf(job)]))
  return jobs.toSorted(
    (a, b) =>
      ranks.get(a)! - ranks.get(b)! ||
      b.findings.length - a.findings.length ||
      compare(a.label, b.label) ||
      compare(a.flinkCluster, b.flinkCluster),
  )
}

function rankOf(job: JobView): number {
  if (isMissing(job)) return -2
  if (job.judged?.status === 'stopped' || job.judged?.status === 'stalled') return -1
  const [worst] = job.findings
  return worst === undefined ? Number.MAX_SAFE_INTEGER : findingRank(worst.kind)
}

/** It should run, and does not, or nobody knows. */
export function isMissing({ expectedRunning, present }: JobView): boolean {
  return expectedRunning && present !== true
}

/** What all its sources have before them; undefined when one of them is unknown, or it has none. */
function lagOf({ sources }: JobView): number | undefined {
  if (sources.length === 0 || sources.some(({ recordsLag }) => recordsLag === undefined)) return undefined
  return sources.reduce((sum, { recordsLag }) => sum + (recordsLag ?? 0), 0)
}

/** Whether it reads as it should, whatever Flink says of it; a link to the numbers. */
export function statusOf({ judged }: JobView): Html | undefined {
  return judged && statusLink(judged.status, judged.why, { consumer: judged.consumer })
}

function jobRow(job: JobView): Html {
  const state = inWords(jobState(job))
  const link = linkTo('jobs', { flink_cluster: job.flinkCluster, flink_job: job.label })
  const [worst, ...others] = job.findings
  const finding =
    worst === undefined
      ? html`<span class="quiet">none</span>`
      : html`<span class="bad">${inWords(worst.kind)}</span>${others.length === 0 ? undefined : `, ${inDigits(others.length)} more`}`
  const lag = lagOf(job)
  const known =
    lag !== undefined ? inDigits(lag) : job.sources.length === 0 ? '' : html`<span class="bad">unknown</span>`
  return html`<tr><th scope="row"><a href="${link}">${job.label}</a></th><td>${isMissing(job) ? html`<span class="bad">${state}</span>` : state}</td><td>${statusOf(job)}</td><td>${finding}</td><td class="number">${known}</td><td class="number">${job.restarts === undefined ? '' : inDigits(job.restarts)}</td><td>${job.flinkCluster}</td></tr>
`
}

function summary(jobs: readonly JobView[], limit: number): string {
  const shown =
    limit < jobs.length
      ? `The first ${inDigits(limit)} of ${counted(jobs.length, 'job')}.`
      : `${counted(jobs.length, 'job')}.`
  const missing = jobs.filter(isMissing).length
  const found = jobs.filter(({ findings }) => findings.length > 0).length
  return [
    shown,
    ...(missing === 0 ? [] : [`Missing: ${inDigits(missing)}.`]),
    ...(found === 0 ? [] : [`With findings: ${inDigits(found)}.`]),
  ].join(' ')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
