import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FlinkLoadShape } from '../src/simulator/flink-load.ts'
import type { LoadShape } from '../src/simulator/load.ts'
import { startDaemon } from '../test/rigs/daemon.ts'
import { cpuSeconds, peakRssMiB, scrape } from './cost-process.ts'
import type { FlinkYarnMessage } from './flink-yarn-cluster.ts'
import { type Figure, report } from './report.ts'

const kafka: LoadShape = { brokers: 3, topics: 250, partitionsPerTopic: 8, groups: 1, partitionsPerGroup: 8 }
const flink: FlinkLoadShape = { applications: 250, taskManagers: 4, pageBytes: 650_000 }
const INTERVAL_SECONDS = 30
const MEASURED_SECONDS = 120
const COMPLETE_WITHIN_MS = 300_000
/** The daemon looks at its event loop this often: that much of its delay is no delay. */
const LOOP_TICK_MS = 250
const limits = { cpuPercent: 50, blockMs: 50, rssMiB: 400 }

/** The whole daemon beside 1,000 simulated TaskManagers on YARN: found, registered, read every 30 s, judged and scraped. */
export async function run(): Promise<boolean> {
  const file = fileURLToPath(new URL('./flink-yarn-cluster.ts', import.meta.url))
  const world = fork(file, [JSON.stringify(kafka), JSON.stringify(flink)], { execArgv: ['--import', 'tsx'] })
  const exited = once(world, 'exit')
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-flink-yarn-'))
  try {
    const [message]: FlinkYarnMessage[] = await once(world, 'message')
    if (message === undefined) throw new Error('Start the simulated YARN: an empty message, expected its addresses')
    const config = {
      interval: `${INTERVAL_SECONDS}s`,
      storage: { path: join(folder, 'data') },
      kafka: [{ name: 'main', bootstrap: message.bootstrap }],
      yarn: [{ name: 'prod', resource_managers: message.resourceManagers, reporter_ports: message.reporterPorts }],
    }
    const lines = Object.entries(config).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    const startedAt = performance.now()
    const daemon = await startDaemon({ folder, config: lines.join('\n') })
    try {
      return await measure(daemon.url, daemon.process.pid ?? 0, startedAt)
    } finally {
      await daemon.process.stop()
    }
  } finally {
    if (world.connected) world.disconnect()
    await exited
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(url: string, pid: number, startedAt: number): Promise<boolean> {
  const processes = flink.applications * (flink.taskManagers + 1)
  const rows = flink.applications * kafka.partitionsPerTopic
  const listedMs = await until(
    async () => (await linesOf(`${url}/sd/v1/targets`, '{"targets"')) === processes,
    startedAt,
  )
  const knownMs = await until(async () => (await linesOf(`${url}/metrics`, lagOfJob)) === rows, startedAt)
  await sleep(INTERVAL_SECONDS * 1_000)
  await worstDelay(url)
  const from = { at: performance.now(), cpu: cpuSeconds(pid) }
  let worstMs = 0
  for (let passed = 0; passed < MEASURED_SECONDS; passed += INTERVAL_SECONDS) {
    await sleep(INTERVAL_SECONDS * 1_000)
    await scrape(`${url}/metrics`, 'gzip')
    worstMs = Math.max(worstMs, await worstDelay(url))
  }
  const cpu = (cpuSeconds(pid) - from.cpu) / ((performance.now() - from.at) / 1_000)
  const known = await linesOf(`${url}/metrics`, lagOfJob)
  const figures: readonly Figure[] = [
    { what: 'partitions of jobs without a lag', measured: rows - known, unit: '', limit: 0.5 },
    { what: `start to all ${processes} processes in the target list`, measured: listedMs / 1_000, unit: 's' },
    { what: `start to all ${rows} lags`, measured: knownMs / 1_000, unit: 's' },
    { what: 'processor time of everything', measured: 100 * cpu, unit: '% of a core', limit: limits.cpuPercent },
    { what: 'longest delay of the event loop, by the clock', measured: worstMs, unit: 'ms', limit: limits.blockMs },
    { what: 'peak RSS', measured: peakRssMiB(pid), unit: 'MiB', limit: limits.rssMiB },
  ]
  return report(
    `The daemon beside ${flink.applications * flink.taskManagers} TaskManagers of ${flink.applications} applications, pages of ${flink.pageBytes / 1_000} kB every ${INTERVAL_SECONDS} s; load average ${loadavg()[0]?.toFixed(1)}`,
    figures,
  )
}

const lagOfJob = 'stream_consumer_records_lag{kafka_cluster="main",consumer="prod/'

/** Milliseconds from `since` until it is so. */
async function until(isSo: () => Promise<boolean>, since: number): Promise<number> {
  for (; performance.now() - since < COMPLETE_WITHIN_MS; await sleep(500))
    if (await isSo().catch(() => false)) return performance.now() - since
  throw new Error(`Wait for the daemon: not complete within ${COMPLETE_WITHIN_MS / 1_000} s`)
}

/** Lines of an answer that begin so. */
async function linesOf(url: string, beginning: string): Promise<number> {
  const text = await (await fetch(url, { signal: AbortSignal.timeout(30_000) })).text()
  return text.split('\n').filter((line) => line.startsWith(beginning)).length
}

/** Since the last time it was asked for. */
async function worstDelay(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics/self`, { signal: AbortSignal.timeout(30_000) })).text()
  const seconds = Number(/^lagkeeper_event_loop_delay_seconds (\S+)$/m.exec(text)?.[1] ?? Number.NaN)
  return Math.max(0, seconds * 1_000 - LOOP_TICK_MS)
}
