import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { daemonMain } from '../test/rigs/daemon.ts'
import { freePorts } from '../test/rigs/ports.ts'
import { forkCluster } from './fork-cluster.ts'
import { report } from './report.ts'

/** 300,000 partitions that are read, four lines each: a page of about 133 MB. */
const shape = { brokers: 3, topics: 3_000, partitionsPerTopic: 100, groups: 300, partitionsPerGroup: 1_000 }
const SLOW_HEADS = 2_000
const SLOW_READERS = 50
const SECONDS = 30
const limits = { healthP99Ms: 50, rssMb: 100 }

/**
 * The built daemon with a page of 133 MB, 2,000 clients that send their head byte by byte and 50 that hardly read the
 * page. Health is asked on a new connection ten times a second, as by whoever decides about a restart; once without the
 * clients, for comparison.
 */
export async function run(): Promise<boolean> {
  await using simulated = await forkCluster(shape)
  const [port = 0] = await freePorts(1)
  const storage = mkdtempSync(join(tmpdir(), 'lagkeeper-hostile-'))
  const daemon = spawn(
    process.execPath,
    [
      daemonMain,
      `--kafka.bootstrap=${simulated.bootstrap.join(',')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { cwd: storage, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  try {
    await ready(port)
    const pageBytes = await read(port, '/metrics')
    await read(port, '/metrics')
    const resting = watchRss(daemon.pid)
    const calm = await health(port, SECONDS)
    const before = resting.stop()
    const clients = fork(
      new URL('./hostile-clients.ts', import.meta.url),
      [port, SLOW_HEADS, SLOW_READERS].map(String),
      {
        execArgv: ['--import', 'tsx'],
      },
    )
    try {
      await once(clients, 'message')
      const watch = watchRss(daemon.pid)
      const loaded = await health(port, SECONDS)
      const peak = watch.stop()
      clients.send('counts')
      const [counts] = await once(clients, 'message')
      return report(`${SLOW_HEADS} slow heads and ${SLOW_READERS} slow readers of a page, ${SECONDS} s`, [
        { what: 'page as text', measured: pageBytes / 1e6, unit: 'MB' },
        { what: 'health without them, p99', measured: calm.p99, unit: 'ms' },
        { what: 'health, p99', measured: loaded.p99, unit: 'ms', limit: limits.healthP99Ms },
        { what: 'health, median', measured: loaded.median, unit: 'ms' },
        { what: 'health, worst', measured: loaded.worst, unit: 'ms' },
        { what: 'RSS at its highest without them', measured: before, unit: 'MB' },
        { what: 'RSS above that at its highest', measured: peak - before, unit: 'MB', limit: limits.rssMb },
        { what: 'slow heads that were closed', measured: Number(counts.headsClosed), unit: '' },
        { what: 'slow readers that were closed', measured: Number(counts.readersClosed), unit: '' },
      ])
    } finally {
      clients.kill()
    }
  } finally {
    daemon.kill()
    await once(daemon, 'exit')
    rmSync(storage, { recursive: true, force: true })
  }
}

async function ready(port: number): Promise<void> {
  const givenUpAt = performance.now() + 120_000
  while (performance.now() < givenUpAt) {
    const isReady = await fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    await pause(200)
  }
  throw new Error('Start the daemon: not ready after 120 s')
}

/** Reads an answer as text on a connection of its own; resolves with its length. */
function read(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false, timeout: 60_000 }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.once('end', () => resolve(bytes)).once('error', reject)
    }).once('error', reject)
  })
}

async function health(port: number, seconds: number) {
  const times: number[] = []
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end) {
    const start = performance.now()
    await read(port, '/-/healthy')
    times.push(performance.now() - start)
    await pause(100)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { median: at(0.5), p99: at(0.99), worst: at(1) }
}

function rssMb(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024
}

function watchRss(pid: number | undefined) {
  let peak = rssMb(pid)
  const timer = setInterval(() => {
    peak = Math.max(peak, rssMb(pid))
  }, 100)
  return {
    stop: () => {
      clearInterval(timer)
      return peak
    },
  }
}
