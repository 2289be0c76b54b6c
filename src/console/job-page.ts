import type { Finding } from '../model/finding.ts'
import type { JobCheckpoints, JobVertex } from '../model/job.ts'
import { type JobView, jobState, type SourceFigures } from '../model/job-view.ts'
import { type Content, type Html, html, linkTo } from './html.ts'
import { isMissing, jobTable, statusOf } from './job-table.ts'
import { inDigits, inTime, inWords } from './words.ts'

/** Many more are of no use to a reader, and cost a browser. */
const JOBS_SHOWN = 2_000

/** The page at `/jobs` with all jobs, those that need somebody first. */
export function jobsPage(jobs: readonly JobView[]): string {
  return document(
    'Jobs',
    html`<section>
<h2 id="jobs">Those that need somebody first</h2>
${jobTable(jobs, JOBS_SHOWN)}
</section>`,
    html`<a href="${linkTo('./')}">Lagkeeper</a>`,
  )
}

/**
 * The page at `/jobs?flink_cluster=&flink_job=` with one job.
 *
 * @param now milliseconds of the wall clock
 */
export function jobPage(view: JobView, now: number): string {
  const { job } = view
  return document(
    view.label,
    html`<section>
<h2>Now</h2>
${facts(view, now)}</section>
<section>
<h2>Findings</h2>
${view.findings.length === 0 ? html`<p>Nothing was found.</p>` : view.findings.map((finding) => findingPart(finding, now))}
</section>
${
  view.sources.length === 0
    ? undefined
    : html`<section>
<h2 id="sources">Sources</h2>
${sourceTable(view.sources)}
</section>
`
}${
  job === undefined || job.vertices.length === 0
    ? undefined
    : html`<section>
<h2 id="vertices">Tasks</h2>
${vertexTable(job.vertices)}
</section>
`
}${
  job?.checkpoints === undefined
    ? undefined
    : html`<section>
<h2>Checkpoints</h2>
${checkpointList(job.checkpoints, now)}</section>
`
}${
  job?.lastException === undefined
    ? undefined
    : html`<section>
<h2 id="exception">Last exception, ${ago(job.lastException.at, now)}</h2>
<pre role="region" aria-labelledby="exception" tabindex="0"><code>${job.lastException.text.slice(0, LONGEST_EXCEPTION)}</code></pre>
</section>
`
}`,
    html`<a href="${linkTo('./')}">Lagkeeper</a> / <a href="${linkTo('jobs')}">Jobs</a> / ${view.flinkCluster}`,
  )
}

const LONGEST_EXCEPTION = 20_000

function document(title: string, main: Html, trail: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Lagkeeper: jobs</title>
<link rel="stylesheet" href="console.css">
</head>
<body>
<header>
<h1 class="name">${title}</h1>
<p class="quiet">${trail}</p>
</header>
<main>
${main}
</main>
</body>
</html>
`.toString()
}

function facts(view: JobView, now: number): Html {
  const { job } = view
  const state = inWords(jobState(view))
  const rows: readonly (readonly [string, Content])[] = [
    ['State', isMissing(view) ? html`<span class="bad">${state}</span>` : state],
    ['Should run', view.expectedRunning ? 'yes' : 'no'],
    ['Status', statusOf(view)],
    ['Why', view.judged?.why],
    ['Behind by', view.judged?.timeLagMs === undefined ? undefined : inTime(view.judged.timeLagMs)],
    ['Restarts', view.restarts === undefined ? undefined : inDigits(view.restarts)],
    ['Groups', view.groups.length === 0 ? undefined : view.groups.join(', ')],
    ['Back-pressure', inPercent(view.backPressure)],
    ['Watermark behind by', view.watermarkLagMs === undefined ? undefined : inTime(view.watermarkLagMs)],
    ['Started', job === undefined ? undefined : ago(job.startedAt, now)],
    ['Flink', job?.version],
    ['Job id', job?.id],
    ['Application', job?.application?.id],
    ['Attempt', job?.application?.attempt],
    ['Queue', job?.application?.queue],
    ['User', job?.application?.user],
    ['JobManager', job?.rest],
    ['Could not be read', job === undefined || job.unread.length === 0 ? undefined : job.unread.join('; ')],
  ]
  return terms(rows)
}

function findingPart({ kind, message, evidence, since }: Finding, now: number): Html {
  return html`<h3><span class="bad">${inWords(kind)}</span>${since === undefined ? undefined : html` <span class="quiet">for ${inTime(now - since)}</span>`}</h3>
<p>${message}.</p>
<ul>
${evidence.map(
  (line) => html`<li class="name">${line}</li>
`,
)}</ul>
`
}

function sourceTable(sources: readonly SourceFigures[]): Html {
  return html`<div class="scroll" role="region" aria-labelledby="sources" tabindex="0">
<table>
<thead><tr><th scope="col">Source</th><th scope="col" class="number">Lag in records</th><th scope="col" class="number">Pending, says Flink</th><th scope="col" class="number">Back-pressure</th><th scope="col" class="number">Partitions</th><th scope="col">Topics</th></tr></thead>
<tbody>
${sources.map(
  (source) =>
    html`<tr><th scope="row">${source.vertex}</th><td class="number">${source.recordsLag === undefined ? html`<span class="bad">unknown</span>` : inDigits(source.recordsLag)}</td><td class="number">${source.pendingRecords === undefined ? '' : inDigits(source.pendingRecords)}</td><td class="number">${inPercent(source.backPressure)}</td><td class="number">${inDigits(source.partitions)}</td><td>${topics(source.topics)}</td></tr>
`,
)}</tbody>
</table>
</div>`
}

function vertexTable(vertices: readonly JobVertex[]): Html {
  return html`<div class="scroll" role="region" aria-labelledby="vertices" tabindex="0">
<table>
<thead><tr><th scope="col">Task</th><th scope="col">State</th><th scope="col" class="number">Parallelism</th><th scope="col" class="number">Back-pressure</th></tr></thead>
<tbody>
${vertices.slice(0, VERTICES_SHOWN).map(
  ({ name, state, parallelism, backPressure }) =>
    html`<tr><th scope="row">${name}</th><td>${state.toLowerCase()}</td><td class="number">${inDigits(parallelism)}</td><td class="number">${inPercent(backPressure)}</td></tr>
`,
)}</tbody>
</table>
</div>`
}

const VERTICES_SHOWN = 200

function checkpointList(checkpoints: JobCheckpoints, now: number): Html {
  const { intervalMs, completed, failed, inProgress, lastCompletedAt, lastRestoredAt, lastFailure } = checkpoints
  return terms([
    ['Interval', intervalMs === undefined ? html`<span class="bad">off</span>` : inTime(intervalMs)],
    ['Last completed', lastCompletedAt === undefined ? 'never' : ago(lastCompletedAt, now)],
    ['Last restored', lastRestoredAt === undefined ? undefined : ago(lastRestoredAt, now)],
    ['Completed', inDigits(completed)],
    ['Failed', inDigits(failed)],
    ['In progress', inDigits(inProgress)],
    [
      'Last failure',
      lastFailure === undefined ? undefined : `${ago(lastFailure.at, now)}: ${lastFailure.text.slice(0, 500)}`,
    ],
  ])
}

/** Words and what they are; left out where that is not known. */
function terms(rows: readonly (readonly [string, Content])[]): Html {
  return html`<dl>
${rows.map(([word, what]) =>
  what === undefined
    ? undefined
    : html`<div><dt>${word}</dt><dd class="name">${what}</dd></div>
`,
)}</dl>
`
}

function topics(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
}

function ago(wallMs: number, now: number): string {
  return `${inTime(now - wallMs)} ago`
}

function inPercent(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${Math.round(share * 100)} %`
}
