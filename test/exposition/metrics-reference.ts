import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Family, jobFamilies, lagFamilies, selfFamilies } from '../../src/exposition/families.ts'

// Writes docs/metrics.md from the table of families: `npx tsx test/exposition/metrics-reference.ts --write`.

const metricsReferencePath = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url))

/** The text of docs/metrics.md. */
export function metricsReference(): string {
  return `# Metrics

Generated from \`src/exposition/families.ts\`; do not edit.

Text format 0.0.4, base units, no timestamps. A scrape renders the last complete cycle and never asks Kafka. What is
unknown is absent, never 0, -1 or NaN; \`stream_consumer_partitions\` says how much is missing and why.

- \`/metrics\` has everything. \`/metrics?kafka_cluster=main\` has the lag families of one Kafka cluster, to split a large
  page into several scrape jobs, and the metrics of the daemon.
- \`/metrics?names=kafka_exporter\` and \`/metrics?names=kafka_lag_exporter\` have the lag under the names of these exporters
  ([migrating](migrating.md)), \`?names=lagkeeper\` ours alone. \`exposition.compat\` puts them on \`/metrics\` beside ours.
- How much is printed: \`granularity\` of a consumer rule is \`partition\`, \`topic\` or \`consumer\`. Past
  \`exposition.max_series_per_kafka_cluster\` or \`exposition.max_series\` the log offsets of topics that nobody reads go
  first, then partitions and topics of the largest consumers, and at last whole consumers, those without live members
  before the others; \`lagkeeper_series_dropped\` counts them. Sums, API and console have everything all the same.
- \`/metrics/self\` has the metrics of the daemon alone. Scrape it as a second job when the page can grow over
  \`body_size_limit\` or \`sample_limit\`: it still answers when Prometheus refuses the large page.
- Two replicas print the same series: aggregate with \`max without (instance, pod)\`.

## Lag

${table(Object.values(lagFamilies))}
## Jobs

Labels are \`flink_cluster\` and \`flink_job\`; [jobs](jobs.md) says what they mean and how findings are made out. On \`/metrics\`
when it is not asked for one Kafka cluster, and alone on \`/metrics/jobs\`. Past \`exposition.max_job_series\` the vertices of
the jobs with most of them go first, then jobs that are gone, then others; \`lagkeeper_job_series_dropped\` counts.

${table(Object.values(jobFamilies))}
## The daemon itself

${table(Object.values(selfFamilies))}`
}

function table(families: readonly Family[]): string {
  const lines = families.map(
    ({ name, type, labels, level, help }) =>
      `| \`${name}\` | ${type} | ${level} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |\n`,
  )
  return `| name | type | level | labels | meaning |\n|---|---|---|---|---|\n${lines.join('')}`
}

/** What stands in docs/metrics.md now. */
export function writtenReference(): string {
  return readFileSync(metricsReferencePath, 'utf8')
}

if (process.argv.includes('--write')) writeFileSync(metricsReferencePath, metricsReference())
