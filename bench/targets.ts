import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { type HttpReader, openHttpReader } from './http-reader.ts'
import { report } from './report.ts'
import type { ServerMessage, ServerStep } from './targets-server.ts'

/** A change must be seen in half a second at the smaller size; the larger one is held against the same limit. */
const SIZES = [50_000, 100_000]
const BATCH = 10_000
const READS = 200
const CHANGES = 1_000
const CHANGES_A_SECOND = 50
/** A reader that asks all the time whether there is something new: more than any Prometheus would. */
const ASK_EVERY_MS = 5
const MOST_BYTES = 128 * 2 ** 20
const HEARTBEATS_A_SECOND = 10_000

/** Targets, registered over HTTP, read and changed over HTTP, in a process that does nothing else; each size anew. */
export async function run(): Promise<boolean> {
  const kept: boolean[] = []
  for (const size of SIZES) kept.push(await measure(size))
  return kept.every((one) => one)
}

async function measure(targets: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-bench-targets-'))
  const server = await startServer(folder)
  let reader: HttpReader | undefined
  try {
    const registeredMs = await register(server.url, targets)
    // Not before: the server closes a connection that is not used.
    reader = await openHttpReader(server.url, MOST_BYTES)
    const size = await whenListed(reader, targets)
    const filling = await server.step()

    const plain = await read(reader, {})
    const packed = await read(reader, { 'accept-encoding': 'gzip' })
    const reading = await server.step()

    const delays = await churn(server.url, reader, targets)
    const churning = await server.step()

    const listed = countTargets((await reader.get('/sd/v1/targets', {})).body)
    const zipped = gunzipSync((await reader.get('/sd/v1/targets', { 'accept-encoding': 'gzip' })).body)
    const wrong = Math.abs(targets - listed) + Math.abs(targets - countTargets(zipped)) + (CHANGES - delays.length)
    const block = (what: string, { longestBlockMs, longestOwnBlockMs }: ServerStep) => ({
      what: `longest step, ${what} (with the wait for a processor ${Math.round(longestBlockMs)} ms)`,
      measured: longestOwnBlockMs,
      unit: 'ms',
      limit: 50,
    })
    const title = `Target list: ${targets} targets, ${(size / 1e6).toFixed(1)} MB, load average ${loadavg()[0]?.toFixed(1)}`
    return report(title, [
      { what: 'targets and changes that are missing or too many', measured: wrong, unit: '', limit: 0.5 },
      { what: `PUT of all, ${BATCH} in a request, on disk`, measured: registeredMs, unit: 'ms' },
      { what: 'GET /sd from memory, p50', measured: percentile(plain, 0.5), unit: 'ms' },
      { what: `GET /sd from memory, p99 of ${READS}`, measured: percentile(plain, 0.99), unit: 'ms', limit: 100 },
      { what: `the same with gzip, p99 of ${READS}`, measured: percentile(packed, 0.99), unit: 'ms', limit: 100 },
      { what: 'PUT sent to whole list read, p50', measured: percentile(delays, 0.5), unit: 'ms' },
      {
        what: `the same, p99 of ${delays.length} at ${CHANGES_A_SECOND}/s and ${HEARTBEATS_A_SECOND} heartbeats/s`,
        measured: percentile(delays, 0.99),
        unit: 'ms',
        limit: 500,
      },
      block('filling', filling),
      block('reading', reading),
      block('changes', churning),
      { what: 'RSS after reading', measured: reading.rssMb, unit: 'MB' },
      { what: 'peak RSS of the process, all of this together', measured: churning.peakRssMb, unit: 'MB' },
    ])
  } finally {
    reader?.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Server {
  readonly url: string
  /** What happened since the last call. */
  step(): Promise<ServerStep>
  stop(): Promise<void>
}

async function startServer(folder: string): Promise<Server> {
  const file = fileURLToPath(new URL('./targets-server.ts', import.meta.url))
  const child = fork(file, [folder], { execArgv: ['--import', 'tsx'] })
  const first = await nextMessage(child)
  if (first.kind !== 'listening') throw new Error('Start the server of the benchmark: it does not listen')
  return {
    url: first.url,
    step: async () => {
      const next = nextMessage(child)
      child.send('step')
      const message = await next
      if (message.kind !== 'step') throw new Error('Ask the server of the benchmark: not a step')
      return message
    },
    stop: async () => {
      if (!child.connected) return
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}

async function nextMessage(child: ChildProcess): Promise<ServerMessage> {
  return new Promise<ServerMessage>((resolve, reject) => {
    const onExit = (): void => reject(new Error('The server of the benchmark has ended'))
    child.once('exit', onExit)
    child.once('message', (message: ServerMessage) => {
      child.off('exit', onExit)
      resolve(message)
    })
  })
}

function identity(index: number) {
  return { namespace: `ns-${index % 20}`, app: `job-${index % 2_000}`, role: 'taskmanager', instance: `tm-${index}` }
}

function body(index: number, incarnation: string) {
  const application = `application_1700000000000_${String(index % 2_000).padStart(4, '0')}`
  return {
    address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:9250`,
    incarnation,
    lease_seconds: 3_600,
    kind: 'flink',
    application_id: application,
    container_id: `container_e01_1700000000000_${index}`,
    flink_job: `job-${index % 2_000}`,
    labels: { team: `team-${index % 50}`, env: 'production' },
  }
}

async function register(url: string, targets: number): Promise<number> {
  const from = performance.now()
  for (let start = 0; start < targets; start += BATCH) {
    const items = Array.from({ length: BATCH }, (_, index) => ({
      ...identity(start + index),
      ...body(start + index, '1'),
    }))
    await put(`${url}/v1/registrations`, items)
  }
  return performance.now() - from
}

async function put(url: string, content: unknown): Promise<void> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(content) })
  const text = await response.text()
  if (!response.ok) throw new Error(`PUT "${url}": ${response.status} ${text.slice(0, 300)}`)
}

/** The bytes of the list when all are in it. */
async function whenListed(reader: HttpReader, targets: number): Promise<number> {
  for (;;) {
    const { body: text } = await reader.get('/sd/v1/targets', {})
    if (countTargets(text) === targets) return text.length
    await sleep(200)
  }
}

/** No two of the benchmark's targets have the same labels. */
function countTargets(text: Buffer): number {
  let count = 0
  for (let at = text.indexOf('"targets"'); at !== -1; at = text.indexOf('"targets"', at + 9)) count++
  return count
}

async function read(reader: HttpReader, headers: Readonly<Record<string, string>>): Promise<readonly number[]> {
  const times: number[] = []
  await reader.get('/sd/v1/targets', headers)
  for (let index = 0; index < READS; index++) {
    const from = performance.now()
    const { status } = await reader.get('/sd/v1/targets', headers)
    if (status !== 200) throw new Error(`Read the list: ${status}`)
    times.push(performance.now() - from)
    // Let the collector of either side run where it would.
    await sleep(5)
  }
  return times
}

/** New lives of targets at a steady rate; how long after each request was sent it stands in a list that was read. */
async function churn(url: string, reader: HttpReader, targets: number): Promise<readonly number[]> {
  const sentAt = new Map<string, number>()
  const delays: number[] = []
  const stop = new AbortController()
  const beating = beat(url, targets, stop.signal)
  const writing = change(url, targets, (mark) => sentAt.set(mark, performance.now()))
  const deadline = performance.now() + (CHANGES / CHANGES_A_SECOND) * 1_000 + 30_000
  let etag = ''
  while (delays.length < CHANGES && performance.now() < deadline) {
    const answer = await reader.get('/sd/v1/targets', { 'if-none-match': etag })
    if (answer.status === 200) {
      const readAt = performance.now()
      for (const mark of marksIn(answer.body)) {
        const from = sentAt.get(mark)
        if (from !== undefined) delays.push(readAt - from)
        sentAt.delete(mark)
      }
      etag = answer.etag
    }
    await sleep(ASK_EVERY_MS)
  }
  await writing
  stop.abort()
  await beating
  return delays
}

async function change(url: string, targets: number, sent: (mark: string) => void): Promise<void> {
  const from = performance.now()
  const pending: Promise<void>[] = []
  for (let index = 0; index < CHANGES; index++) {
    await sleep(Math.max(0, from + (index * 1_000) / CHANGES_A_SECOND - performance.now()))
    const which = (index * 97) % targets
    const { namespace, app, role, instance } = identity(which)
    const mark = `m${index}`
    const { labels, ...rest } = body(which, '2')
    sent(mark)
    pending.push(
      put(`${url}/v1/registrations/${namespace}/${app}/${role}/${instance}`, { ...rest, labels: { ...labels, mark } }),
    )
  }
  await Promise.all(pending)
}

function* marksIn(text: Buffer): Generator<string> {
  const before = '"__meta_lagkeeper_label_mark":"'
  for (let at = text.indexOf(before); at !== -1; at = text.indexOf(before, at + before.length)) {
    const from = at + before.length
    yield text.toString('latin1', from, text.indexOf('"', from))
  }
}

/** Signs of life of all, a tenth of them a second. */
async function beat(url: string, targets: number, signal: AbortSignal): Promise<void> {
  for (let start = 0; !signal.aborted; start = (start + HEARTBEATS_A_SECOND) % targets) {
    const items = Array.from({ length: HEARTBEATS_A_SECOND }, (_, index) => {
      const { namespace, app, role, instance } = identity(start + index)
      return { id: `${namespace}/${app}/${role}/${instance}` }
    })
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch(`${url}/v1/heartbeats`, { method: 'POST', headers, body: JSON.stringify(items) })
    const text = await response.text()
    if (!response.ok) throw new Error(`Heartbeats: ${response.status} ${text.slice(0, 300)}`)
    await sleep(1_000, undefined, { signal }).catch(() => undefined)
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
