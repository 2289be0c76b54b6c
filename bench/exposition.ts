import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

interface Result {
  readonly ms: number
  readonly cpuMs: number
  readonly longestBlockMs: number
  readonly peakRssMb: number
  readonly gzipBytes: number
}

const sizes = [10_000, 100_000, 1_000_000]
const kinds = ['lagkeeper', 'prom-client']
const heads = ['series', '', 'scrape ms', 'CPU ms', 'longest block ms', 'peak RSS MB', 'gzip bytes', 'times faster']
const ROUNDS = 3

/**
 * One gzipped scrape of stream_consumer_records_lag over loopback, ours beside prom-client 15.1.3 on the same data, each
 * in its own process. Time is the median of three scrapes of three different cycles; processor time is their mean, with
 * the threads that compress, because a busy machine does not blur it; block and memory are the worst.
 */
export async function run(): Promise<void> {
  print(heads)
  for (const series of sizes) {
    const results: Result[] = []
    for (const kind of kinds) results.push(await measure(kind, series))
    const slowest = Math.max(...results.map(({ ms }) => ms))
    for (const [index, { ms, cpuMs, longestBlockMs, peakRssMb, gzipBytes }] of results.entries()) {
      const figures = [ms.toFixed(0), cpuMs.toFixed(0), longestBlockMs.toFixed(1), peakRssMb.toFixed(0)]
      print([String(series), kinds[index]!, ...figures, String(gzipBytes), (slowest / ms).toFixed(1)])
    }
  }
}

function print([first = '', second = '', ...figures]: readonly string[]): void {
  const columns = figures.map((figure) => figure.padStart(17)).join('')
  process.stdout.write(`${first.padEnd(9)}${second.padEnd(12)}${columns}\n`)
}

async function measure(kind: string, series: number): Promise<Result> {
  const child = fork(new URL('./exposition-server.ts', import.meta.url), [kind, String(series)])
  try {
    const port = await answerOf(child, 'port')
    await pause(500)
    const times: number[] = []
    let gzipBytes = 0
    child.send('reset')
    await answerOf(child, 'longestBlockMs')
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now()
      gzipBytes = await scrape(port)
      times.push(performance.now() - start)
      await pause(200)
    }
    child.send('report')
    const [report] = await once(child, 'message')
    const ms = times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!
    return { ...report, ms, cpuMs: report.cpuMs / ROUNDS, gzipBytes }
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

if (process.argv[1] === import.meta.filename) await run()
