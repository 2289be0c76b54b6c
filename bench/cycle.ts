import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createClusterCollector } from '../src/collect/cluster-collector.ts'
import { silentObserver } from '../src/collect/observer.ts'
import { createKafkaCluster } from '../src/kafka/cluster.ts'
import { createKafkaGroups } from '../src/positions/kafka-groups.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { type LoadShape, loadShapes } from '../src/simulator/load.ts'
import { type ForkedCluster, forkCluster } from './fork-cluster.ts'
import { type Figure, report } from './report.ts'

const CYCLES = 6

interface Cycles {
  /** Milliseconds of each cycle after the first. */
  readonly ms: readonly number[]
  readonly firstMs: number
  readonly longestBlockMs: number
  /** Requests that the brokers received in one steady cycle, by API. */
  readonly requests: Readonly<Record<string, number>>
  readonly rows: number
}

/** Full cycles over a simulated cluster in another process. */
async function runCycles(shape: LoadShape): Promise<Cycles> {
  await using simulated: ForkedCluster = await forkCluster(shape)
  const all = (): boolean => true
  const cluster = createKafkaCluster({ bootstrap: simulated.bootstrap, requestTimeoutMs: 30_000, clock: systemClock })
  const collector = createClusterCollector({
    kafkaCluster: 'bench',
    cluster,
    sources: [createKafkaGroups({ cluster, clock: systemClock, keepConsumer: all, keepTopic: all })],
    keepTopic: all,
    intervalMs: 120_000,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock: systemClock,
    observer: silentObserver,
  })
  const { signal } = new AbortController()
  try {
    const started = performance.now()
    await collector.cycle(signal)
    const firstMs = performance.now() - started
    await collector.cycle(signal)
    await simulated.ask('reset')
    const loop = monitorEventLoopDelay({ resolution: 1 })
    loop.enable()
    const ms: number[] = []
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const from = performance.now()
      await collector.cycle(signal)
      ms.push(performance.now() - from)
    }
    loop.disable()
    const { counts } = await simulated.ask('counts')
    const requests: Record<string, number> = {}
    for (const { api, count } of counts) requests[api] = (requests[api] ?? 0) + count / CYCLES
    const rows = (collector.current()?.parts ?? []).reduce((sum, part) => sum + part.lag.length, 0)
    return { ms, firstMs, longestBlockMs: loop.max / 1e6, requests, rows }
  } finally {
    cluster.close()
  }
}

/** kafka_exporter's requests a scrape, by its formula (checked against it: 2 P + sum of Pg + G + 3, all topics asked of each group). */
function kafkaExporterRequests({ topics, partitionsPerTopic, groups, partitionsPerGroup }: LoadShape): number {
  return 2 * topics * partitionsPerTopic + groups * partitionsPerGroup + groups + 3
}

/** Cycles over a million partitions, and the requests of a large company's cluster. */
export async function run(): Promise<boolean> {
  const million = await runCycles(loadShapes.million)
  const company = await runCycles(loadShapes.company)
  const total = Object.values(company.requests).reduce((sum, count) => sum + count, 0)
  const perApi = Object.entries(company.requests).map(
    ([api, count]): Figure => ({ what: `  of them ${api}`, measured: count, unit: 'a cycle' }),
  )
  return [
    report(`Cycle over ${million.rows} positions, 1,000,000 partitions, 5 simulated brokers in another process`, [
      { what: 'first cycle', measured: million.firstMs, unit: 'ms' },
      {
        what: 'steady cycle, median',
        measured: million.ms.toSorted((a, b) => a - b)[CYCLES >> 1] ?? 0,
        unit: 'ms',
        limit: 3_000,
      },
      { what: 'longest block of the event loop', measured: million.longestBlockMs, unit: 'ms', limit: 50 },
    ]),
    report(`Requests over ${company.rows} positions, 3,000 topics, 12,000 partitions, 2,000 groups, 3 brokers`, [
      {
        what: 'requests a steady cycle',
        measured: total,
        unit: '',
        limit: 15,
        peer: { name: 'kafka_exporter (formula)', measured: kafkaExporterRequests(loadShapes.company) },
      },
      ...perApi,
      { what: 'steady cycle, median', measured: company.ms.toSorted((a, b) => a - b)[CYCLES >> 1] ?? 0, unit: 'ms' },
    ]),
  ].every(Boolean)
}
