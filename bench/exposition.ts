import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type Figure, report } from './report.ts'

interface Result {
  readonly ms: number
  readonly cpuMs: number
  readonly longestBlockMs: number
  readonly peakRssMb: number
  readonly gzipBytes: number
}

const sizes = [10_000, 100_000, 1_000_000]
const ROUNDS = 5
/** What a million series may take; the smaller sizes are for comparison. */
const limits = { ms: 700, longestBlockMs: 50, peakRssMb: 400, timesFaster: 6 }

/**
 * One gzipped scrape of stream_consumer_records_lag over loopback, ours beside prom-client 15.1.3 on the same data, each
 * in its own process. Time is the median of five scrapes of five different cycles after one that warms both up;
 * processor time is their mean, with the threads that compress; block and memory are the worst.
 */
export async function run(): Promise<boolean> {
  let isKept = true
  for (const series of sizes) {
    const ours = await measure('lagkeeper', series)
    const peer = await measure('prom-client', series)
    const beside = (what: string, figure: keyof Result, unit: string, limit?: number): Figure => ({
      what,
      measured: ours[figure],
      unit,
      peer: { name: 'prom-client', measured: peer[figure] },
      ...(series === 1_000_000 && limit !== undefined ? { limit } : {}),
    })
    const figures = [
      beside('a gzipped scrape over loopback, median', 'ms', 'ms', limits.ms),
      beside('processor time of a scrape', 'cpuMs', 'ms'),
      beside('longest block of the event loop', 'longestBlockMs', 'ms', limits.longestBlockMs),
      beside('peak RSS', 'peakRssMb', 'MB', limits.peakRssMb),
      beside('page as sent', 'gzipBytes', 'bytes'),
    ]
    if (!report(`Exposition of ${series} series`, figures)) isKept = false
    if (series === 1_000_000 && peer.ms / ours.ms < limits.timesFaster) {
      isKept = false
      process.stdout.write(`  ${limits.timesFaster} times faster: MISSED\n`)
    }
  }
  return isKept
}

async function measure(kind: string, series: number): Promise<Result> {
  const child = fork(new URL('./exposition-server.ts', import.meta.url), [kind, String(series)])
  try {
    const port = await answerOf(child, 'port')
    await pause(500)
    const times: number[] = []
    let gzipBytes = 0
    await scrape(port)
    await pause(200)
    child.send('reset')
    await answerOf(child, 'longestBlockMs')
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now()
      gzipBytes = await scrape(port)
      times.push(performance.now() - start)
      await pause(200)
    }
    child.send('report')
    const [figures] = await once(child, 'message')
    const ms = times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!
    return { ...figures, ms, cpuMs: figures.cpuMs / ROUNDS, gzipBytes }
  } finally {
    child.kill()
  }
}

async function answerOf(child: ChildProcess, field: string): Promise<number> {
  const [message] = await once(child, 'message')
  return Number(message[field])
}

/** Reads the page to its end and returns its length as sent. */
function scrape(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'Accept-Encoding': 'gzip' }
    request({ host: '127.0.0.1', port, path: '/metrics', headers }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.once('end', () => resolve(bytes)).once('error', reject)
    })
      .once('error', reject)
      .end()
  })
}
