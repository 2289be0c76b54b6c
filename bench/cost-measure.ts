import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compare } from './conformance/compare.ts'
import type { Exporter, ExporterOptions } from './conformance/exporters.ts'
import { readPrinted } from './conformance/name-sets.ts'
import { parsePage } from './conformance/page.ts'
import type { TruthRow } from './conformance/truth.ts'
import { cpuSeconds, peakRssMiB, scrape } from './cost-process.ts'
import type { CountedRequest, CountingProxy } from './cost-proxy.ts'

export interface CostRun {
  readonly start: (options: ExporterOptions) => Promise<Exporter>
  readonly truth: readonly TruthRow[]
  /** Process id. */
  readonly broker: number
  /** What the broker takes in a minute in which nobody asks, in seconds. */
  readonly brokerIdle: number
  readonly proxy: CountingProxy
  readonly minutes: number
  readonly intervalSeconds: number
  readonly folder: string
  readonly nodeFlags: readonly string[]
}

/** What a scrape took and brought: medians of five. */
interface Scrapes {
  readonly plainMs: number
  readonly gzipMs: number
  readonly plainBytes: number
  readonly gzipBytes: number
}

export interface Costs extends Scrapes {
  readonly notRight: number
  readonly requestsACycle: number
  /** That lay in the time of counting as a whole. */
  readonly cycles: number
  /** What it counts itself, less what was counted on the wire; undefined when it does not count. */
  readonly miscounted: number | undefined
  /** Requests while counting, by API. */
  readonly apis: Readonly<Record<string, number>>
  /** Seconds a minute. */
  readonly cpu: { readonly exporter: number; readonly broker: number; readonly both: number }
  readonly idleBroker: number
  readonly idlePercent: number
  readonly rssMiB: number
  readonly startMs: number
}

const SCRAPE_EVERY_MS = 30_000
const COMPLETE_WITHIN_MS = 120_000
const SCRAPES = 5
/** Requests further apart than this belong to different cycles. */
const CYCLE_GAP_MS = 5_000

/** Starts an exporter and lets it run: until its page is complete, scraped for some minutes, left alone for one. */
export async function measureCosts(run: CostRun): Promise<Costs> {
  const { truth, broker, brokerIdle, proxy, minutes } = run
  const startedAt = performance.now()
  await using exporter = await startExporter(run)
  const { pid = 0 } = exporter
  await completePage(exporter, truth.length)
  const startMs = performance.now() - startedAt
  // The first cycle has work of its own, and so has the code that is not warm yet.
  await sleep(run.intervalSeconds * 1_000)

  const sentBefore = await exporter.requestsSent?.()
  const before = { at: performance.now(), exporter: cpuSeconds(pid), broker: cpuSeconds(broker) }
  for (let scrapes = 1; scrapes <= (minutes * 60_000) / SCRAPE_EVERY_MS; scrapes++) {
    await sleep(Math.max(0, before.at + scrapes * SCRAPE_EVERY_MS - performance.now()))
    await scrape(exporter.url, 'gzip')
  }
  const passed = (performance.now() - before.at) / 60_000
  const exporterCpu = (cpuSeconds(pid) - before.exporter) / passed
  const brokerCpu = Math.max(0, (cpuSeconds(broker) - before.broker) / passed - brokerIdle)
  const endedAt = performance.now()
  const requests = proxy.since(before.at)
  const sent = await exporter.requestsSent?.()

  const idleFrom = cpuSeconds(pid)
  await sleep(60_000)
  const idlePercent = ((cpuSeconds(pid) - idleFrom) / 60) * 100

  const scrapes = await measureScrapes(exporter, 0)
  const page = readPrinted(parsePage(await (await fetch(exporter.url)).text()), exporter.names)
  const { counts } = compare(truth, page)
  const cycles = wholeCycles(proxy.since(before.at - 60_000), before.at, endedAt)
  return {
    ...scrapes,
    notRight: counts.committed - counts.right + counts.madeUp + counts.duplicates,
    requestsACycle: cycles.reduce((sum, count) => sum + count, 0) / cycles.length,
    cycles: cycles.length,
    miscounted: sent === undefined || sentBefore === undefined ? undefined : sent - sentBefore - requests.length,
    apis: countApis(requests),
    cpu: { exporter: exporterCpu, broker: brokerCpu, both: exporterCpu + brokerCpu },
    idleBroker: brokerIdle,
    idlePercent,
    rssMiB: peakRssMiB(pid),
    startMs,
  }
}

/** Scrapes of which each sees a cycle that nobody has seen: a page that is kept for the next reader does not help. */
export async function measureFreshScrapes(run: CostRun): Promise<Scrapes> {
  await using exporter = await startExporter(run)
  await completePage(exporter, run.truth.length)
  // Awaited here, or the exporter would end first.
  return await measureScrapes(exporter, run.intervalSeconds * 1_000 * 1.1)
}

async function measureScrapes(exporter: Exporter, pauseMs: number): Promise<Scrapes> {
  const median = async (encoding: 'gzip' | 'identity') => {
    const all: Awaited<ReturnType<typeof scrape>>[] = []
    for (let round = 0; round < SCRAPES; round++) {
      await sleep(pauseMs)
      all.push(await scrape(exporter.url, encoding))
    }
    return all.toSorted((a, b) => a.ms - b.ms)[SCRAPES >> 1]
  }
  const plain = await median('identity')
  const gzip = await median('gzip')
  return {
    plainMs: plain?.ms ?? Number.NaN,
    gzipMs: gzip?.ms ?? Number.NaN,
    plainBytes: plain?.bytes ?? Number.NaN,
    gzipBytes: gzip?.bytes ?? Number.NaN,
  }
}

function startExporter({ start, proxy, folder, intervalSeconds, nodeFlags }: CostRun): Promise<Exporter> {
  const own = join(folder, String(Math.round(performance.now())))
  return start({ bootstrap: `127.0.0.1:${proxy.port}`, folder: own, intervalSeconds, nodeFlags })
}

/** Asks until the page has so many lags. */
async function completePage({ url, names, name }: Exporter, expected: number): Promise<void> {
  const line = `\n${names.lag.name}{`
  for (const givenUpAt = performance.now() + COMPLETE_WITHIN_MS; performance.now() < givenUpAt; await sleep(20)) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined)
    const text = (await answer?.text()) ?? ''
    let lags = 0
    for (let at = text.indexOf(line); at !== -1; at = text.indexOf(line, at + line.length)) lags++
    if (lags >= expected) return
  }
  throw new Error(`Wait for "${name}": no page of ${expected} lags within ${COMPLETE_WITHIN_MS / 1_000} s`)
}

/** Requests of each cycle that lies in the window as a whole. */
function wholeCycles(requests: readonly CountedRequest[], from: number, to: number): readonly number[] {
  const cycles: { first: number; last: number; count: number }[] = []
  for (const { at } of requests) {
    const current = cycles.at(-1)
    if (current === undefined || at - current.last > CYCLE_GAP_MS) cycles.push({ first: at, last: at, count: 1 })
    else {
      current.last = at
      current.count++
    }
  }
  return cycles.filter(({ first, last }) => first >= from && last <= to - CYCLE_GAP_MS).map(({ count }) => count)
}

function countApis(requests: readonly CountedRequest[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { api } of requests) counts[api] = (counts[api] ?? 0) + 1
  return counts
}
