import type { JobView } from '../model/job-view.ts'
import { type TargetState, targetStates } from '../model/target.ts'
import { type ClusterView, clusterTable } from './cluster-table.ts'
import { consumerTable } from './consumer-table.ts'
import { type Html, html, linkTo } from './html.ts'
import { jobTable } from './job-table.ts'
import { topConsumers } from './landing-data.ts'
import { counted, inDigits } from './words.ts'

export interface LandingInput {
  readonly version: string
  /** The cluster is simulated. */
  readonly demo: boolean
  /** `host:port` at which Prometheus reaches us, for the configuration to copy. */
  readonly address: string
  /** Monotonic milliseconds. */
  readonly now: number
  readonly clusters: readonly ClusterView[]
  /** Targets of service discovery by state; absent before the first complete view. */
  readonly targets?: ReadonlyMap<TargetState, number>
  /** Absent where no jobs are looked for. */
  readonly jobs?: readonly JobView[]
}

const CONSUMERS_SHOWN = 20
const JOBS_SHOWN = 10

/** Where the page and its style sheet are found; links are relative, so that a proxy may serve them below a path. */
const pages = [
  ['metrics', 'lag of every consumer, and the daemon itself'],
  ['metrics/self', 'the daemon itself'],
  ['sd/v1/targets', 'targets for HTTP service discovery'],
  ['api/v1/consumers', 'every consumer as JSON, with problems'],
  ['api/v1/status', 'what is thought of each consumer, as JSON'],
  ['-/ready', 'ready to be scraped'],
] as const

/** The page at `/` as a whole document. */
export function landingPage(input: LandingInput): string {
  const snapshots = input.clusters.flatMap(({ snapshot }) => (snapshot === undefined ? [] : [snapshot]))
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Lagkeeper</title>
<link rel="stylesheet" href="console.css">
</head>
<body>
<header>
<h1>Lagkeeper</h1>
<p class="quiet">Version ${input.version}, ${input.demo ? 'demo' : `watching ${counted(input.clusters.length, 'Kafka cluster')}`}</p>
</header>
<main>
${input.demo ? demoBanner() : undefined}<section>
<h2 id="clusters">Kafka clusters</h2>
${clusterTable(input.clusters, input.now)}
</section>
<section>
<h2 id="consumers">Consumers, the worst first</h2>
${consumerTable(topConsumers(snapshots, CONSUMERS_SHOWN))}
</section>
${input.jobs === undefined ? undefined : jobSection(input.jobs)}<section>
<h2>Targets</h2>
${targetList(input.targets)}
</section>
<section>
<h2>Pages</h2>
<ul class="plain">
${pages.map(
  ([path, what]) => html`<li><a href="${linkTo(path)}">/${path}</a> <span class="quiet">${what}</span></li>
`,
)}</ul>
</section>
<section>
<h2 id="prometheus">For Prometheus</h2>
<p>Add this to <code>prometheus.yml</code>: the first job scrapes the lag, the second finds the registered reporters.</p>
<pre role="region" aria-labelledby="prometheus" tabindex="0"><code>${prometheusConfig(input.address)}</code></pre>
</section>
</main>
</body>
</html>
`
  return page.toString()
}

function jobSection(jobs: readonly JobView[]): Html {
  return html`<section>
<h2 id="jobs">Jobs</h2>
${jobTable(jobs, JOBS_SHOWN)}
<p><a href="${linkTo('jobs')}">All jobs</a></p>
</section>
`
}

function demoBanner(): Html {
  return html`<aside>
<p><strong>This is a demo.</strong> The cluster below is simulated. To watch a real one, start with</p>
<pre tabindex="0" role="region" aria-label="Command"><code>lagkeeper --kafka.bootstrap=broker1:9092</code></pre>
<p>or with <code>--config.file=lagkeeper.yaml</code> for more than one.</p>
</aside>
`
}

function targetList(targets: ReadonlyMap<TargetState, number> | undefined): Html {
  if (targets === undefined) return html`<p>The registry has no complete view yet.</p>`
  return html`<dl>
${targetStates.map(
  (state) => html`<div><dt>${state}</dt><dd>${inDigits(targets.get(state) ?? 0)}</dd></div>
`,
)}</dl>`
}

function prometheusConfig(address: string): string {
  return `scrape_configs:
  - job_name: lagkeeper
    static_configs:
      - targets: [ "${address}" ]

  - job_name: streaming
    http_sd_configs:
      - url: http://${address}/sd/v1/targets
    relabel_configs:
      - action: labelmap
        regex: __meta_lagkeeper_label_(.+)
`
}
