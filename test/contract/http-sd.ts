import { setMaxListeners } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { listenOnLoopback } from '../fakes/listen.ts'
import { type PrometheusRig, type PrometheusVersion, startPrometheus } from '../rigs/prometheus.ts'
import {
  goodAddresses,
  goodAnswer,
  isDue,
  type Outcome,
  type SdAnswer,
  type SdCase,
  sdCases,
} from './http-sd-answers.ts'

/** Prometheus looks at new lists every five seconds, and its scrapers again every five. */
const settledMs = 11_000

/**
 * What one generation of Prometheus makes of http_sd answers, all in one process: each case is a scrape job whose list is
 * good until all are seen, and then what the case says for as long as it takes.
 */
export function httpSdContract(version: PrometheusVersion): void {
  describe(`http_sd as Prometheus ${version} reads it`, () => {
    let server: AnswerServer
    let prometheus: PrometheusRig
    let pools: ReadonlyMap<string, Pool>

    beforeAll(async () => {
      server = await startAnswers(sdCases)
      prometheus = await startPrometheus({ version, config: configFor(server.url, sdCases.length) })
      const soon = { timeout: 60_000, interval: 200 }
      await vi.waitFor(async () => {
        expect([...(await poolsOf(prometheus)).values()].filter(isGood)).toHaveLength(sdCases.length)
      }, soon)
      server.turn()
      await vi.waitFor(() => expect(server.leastAsked()).toBeGreaterThan(1), soon)
      await sleep(settledMs)
      pools = await poolsOf(prometheus)
    })
    afterAll(async () => {
      await prometheus?.stop()
      await server?.close()
    })

    it.each(sdCases.map((one, index) => [one.name, outcomeOf(one, version), one, index] as const))(
      'after %s has %j',
      (_, outcome, { labels = {} }, index) => {
        const found = pools.get(`case-${index}`)

        expect(found?.addresses ?? []).toEqual(outcome === 'kept' ? goodAddresses : outcome)
        for (const [name, value] of Object.entries(labels)) expect(found?.labels[name]).toBe(value)
      },
    )

    it('asks without Accept-Encoding and without conditions', () => {
      const headers = server.headers()

      expect(headers['accept']).toBe('application/json')
      expect(Object.keys(headers)).not.toContain('accept-encoding')
      expect(Object.keys(headers)).not.toContain('if-none-match')
      expect(headers['x-prometheus-refresh-interval-seconds']).toBe('1')
    })

    it('counts what it refused', async () => {
      const counts = /^prometheus_sd_refresh_failures_total\{[^}]*mechanism="http"[^}]*\} (\d+)/gm
      const refused = sdCases.filter((one) => outcomeOf(one, version) === 'kept').length

      const found = [...(await prometheus.metrics()).matchAll(counts)].map(([, count]) => Number(count))

      expect(found.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(refused * 2)
    })
  })
}

function outcomeOf({ outcome, outcome3 }: SdCase, version: PrometheusVersion): Outcome {
  return version.startsWith('3.') ? (outcome3 ?? outcome) : outcome
}

interface Pool {
  readonly addresses: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

async function poolsOf(prometheus: PrometheusRig): Promise<ReadonlyMap<string, Pool>> {
  const pools = new Map<string, Pool>()
  for (const { scrapePool, labels } of await prometheus.targets()) {
    const addresses = [...(pools.get(scrapePool)?.addresses ?? []), labels['instance'] ?? ''].toSorted()
    pools.set(scrapePool, { addresses, labels })
  }
  return pools
}

const isGood = ({ addresses }: Pool): boolean => JSON.stringify(addresses) === JSON.stringify(goodAddresses)

/** Nothing is scraped: the interval is longer than the test. */
function configFor(url: string, cases: number): string {
  const jobs = Array.from({ length: cases }, (_, index) => [
    `  - job_name: case-${index}`,
    `    http_sd_configs: [{ url: '${url}/${index}', refresh_interval: 1s }]`,
  ])
  return ['global: { scrape_interval: 1h, scrape_timeout: 10s }', 'scrape_configs:', ...jobs.flat()].join('\n')
}

interface AnswerServer {
  readonly url: string
  /** From now on the answers of the cases instead of the good list. */
  turn(): void
  /** How often the least asked case was asked since then. */
  leastAsked(): number
  /** Of the last request. */
  headers(): Readonly<Record<string, unknown>>
  close(): Promise<void>
}

async function startAnswers(cases: readonly SdCase[]): Promise<AnswerServer> {
  const asked = cases.map(() => 0)
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  let hasTurned = false
  let headers: Readonly<Record<string, unknown>> = {}
  const answerTo = (path: string): SdAnswer => {
    if (path === '/empty') return { ...goodAnswer, body: '[]' }
    const index = Number(path.slice(1))
    if (!hasTurned) return goodAnswer
    asked[index] = (asked[index] ?? 0) + 1
    return cases[index]?.answer ?? goodAnswer
  }
  const server = createServer(async (request, response) => {
    if (request.url !== '/empty') headers = request.headers
    const answer = answerTo(request.url ?? '')
    if (!(await isDue(answer, stop.signal))) return
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  })
  const { url, close } = await listenOnLoopback(server)
  return {
    url,
    turn: () => {
      hasTurned = true
    },
    leastAsked: () => Math.min(...asked),
    headers: () => headers,
    close: () => {
      stop.abort()
      return close()
    },
  }
}
