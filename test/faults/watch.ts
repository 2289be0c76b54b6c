import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Oracle } from './oracle.ts'

export interface WatchOptions {
  /** Of the target list. */
  readonly url: () => string
  readonly selfUrl: () => string
  readonly oracle: Oracle
  readonly pid: () => number | undefined
  /** True while no answer is expected: the process is down or stopped. */
  readonly isDown: () => boolean
  /** Longest stall of the daemon's event loop; undefined when the fault is one. */
  readonly maxStallMs: number | undefined
  readonly saw: (text: string) => void
}

const lookEveryMs = 200
const measureEveryMs = 1_000
const patienceMs = 10_000

/** Looks at target list and event loop all the time, and tells the oracle. Settles after the signal has aborted. */
export async function watch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  await Promise.all([
    repeat(lookEveryMs, createListWatch(options), options, signal),
    repeat(measureEveryMs, createLoopWatch(options), options, signal),
  ])
}

/** A list that has not changed is not sent again, and judged again all the same: time has passed. */
function createListWatch({ url, oracle }: WatchOptions): () => Promise<void> {
  let last: { readonly etag: string; readonly body: Uint8Array } | undefined
  return async () => {
    const askedAt = performance.now()
    const headers: Record<string, string> = last === undefined ? {} : { 'If-None-Match': last.etag }
    const answer = await fetch(url(), { headers, signal: AbortSignal.timeout(patienceMs) })
    const body = new Uint8Array(await answer.arrayBuffer())
    if (answer.status === 304 && last !== undefined) return oracle.looked({ askedAt, status: 200, body: last.body })
    const etag = answer.headers.get('etag')
    if (answer.status === 200 && etag !== null) last = { etag, body }
    oracle.looked({ askedAt, status: answer.status, body })
  }
}

/** How long the loop stood still, without the time in which its thread was ready and others had the processors. */
function createLoopWatch({ selfUrl, oracle, maxStallMs, saw, pid }: WatchOptions): () => Promise<void> {
  let isFirst = true
  let waitedBefore = 0
  return async () => {
    const text = await (await fetch(selfUrl(), { signal: AbortSignal.timeout(patienceMs) })).text()
    saw(text)
    const waited = await waitedMs(pid())
    const measured = Number(/^lagkeeper_event_loop_delay_seconds (\S+)$/m.exec(text)?.[1]) * 1_000
    const stallMs = Math.round(measured - Math.max(0, waited - waitedBefore))
    waitedBefore = waited
    // The first one says how long the start took.
    if (!isFirst && maxStallMs !== undefined && !(stallMs <= maxStallMs))
      oracle.violated(`I7: the event loop stood still for more than ${maxStallMs} ms (${stallMs} ms)`)
    isFirst = false
  }
}

/** Milliseconds for which the main thread of a process could have run and did not. */
async function waitedMs(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')
  return Number(text.split(' ')[1] ?? 0) / 1e6
}

async function repeat(
  everyMs: number,
  look: () => Promise<void>,
  { isDown, oracle }: WatchOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const wasDown = isDown()
    try {
      if (!wasDown) await look()
    } catch (error) {
      const why = error instanceof Error && error.name === 'TimeoutError' ? 'no answer' : 'no connection'
      if (!wasDown && !isDown() && !signal.aborted) oracle.heardNothing(why)
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined)
  }
}
