import { type PrometheusRig, startPrometheus } from '../rigs/prometheus.ts'
import type { Served } from './serve.ts'

export interface Scraped extends AsyncDisposable {
  readonly prometheus: PrometheusRig
}

/**
 * A real Prometheus that scrapes a feed each second under two names, as if it were two replicas, and evaluates rules
 * as often. It ends with its feed.
 */
export async function startScraped(
  startFeed: () => Promise<Served>,
  rules: Readonly<Record<string, string>> = {},
): Promise<Scraped> {
  const feed = await startFeed()
  const { port } = new URL(feed.url)
  try {
    const prometheus = await startPrometheus({
      config: [
        'global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }',
        'rule_files: [rules/*.yml]',
        'scrape_configs:',
        `  - { job_name: lagkeeper, static_configs: [{ targets: ['127.0.0.1:${port}', 'localhost:${port}'] }] }`,
      ].join('\n'),
      rules,
    })
    return {
      prometheus,
      [Symbol.asyncDispose]: async () => {
        await prometheus.stop()
        await feed[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await feed[Symbol.asyncDispose]()
    throw error
  }
}
