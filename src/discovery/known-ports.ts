import { setMaxListeners } from 'node:events'
import type { Clock } from '../runtime/clock.ts'
import { createLane, type Lane } from './lane.ts'
import type { PageHead, ReadHead } from './page-head.ts'

/** Who was at an address, and when he was asked. */
export interface Seen {
  /** `host:port`. */
  readonly address: string
  readonly head: PageHead
  /** Monotonic milliseconds at which the question was sent. */
  readonly at: number
}

/**
 * Who answers at which port, shared by all who ask: a probe of an address tells about whoever is there, not only about
 * the process that was looked for.
 */
export interface KnownPorts {
  /** Asks, or takes an answer that is at most `maxAgeMs` old or under way. Rejects only when the signal aborts. */
  ask(address: string, maxAgeMs: number, signal: AbortSignal): Promise<Seen>
  /** The last answer, however old. */
  last(address: string): Seen | undefined
  /** How many questions were sent. */
  asked(): number
}

interface Flight {
  readonly stop: AbortController
  readonly answer: Promise<Seen>
  waiters: number
}

const mostAtOnce = 64
const mostOfHost = 4
const mostKept = 50_000
const keepMs = 600_000

export function createKnownPorts({
  readHead,
  clock,
}: {
  readonly readHead: ReadHead
  readonly clock: Clock
}): KnownPorts {
  const seen = new Map<string, Seen>()
  const flights = new Map<string, Flight>()
  const all = createLane(mostAtOnce)
  const lanes = new Map<string, { readonly lane: Lane; users: number }>()
  let asked = 0

  /** A host is asked a few questions at once: each of its processes renders its whole page for one. */
  async function inLaneOf<T>(host: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const entry = lanes.get(host) ?? { lane: createLane(mostOfHost), users: 0 }
    lanes.set(host, entry)
    entry.users++
    try {
      return await entry.lane(signal, () => all(signal, work))
    } finally {
      if (--entry.users === 0) lanes.delete(host)
    }
  }

  async function send(address: string, signal: AbortSignal): Promise<Seen> {
    return await inLaneOf(hostOf(address), signal, async () => {
      const at = clock.monotonic()
      asked++
      const answer = { address, head: await readHead(address, signal), at }
      if (!signal.aborted) keep(answer)
      return answer
    })
  }

  function keep(answer: Seen): void {
    seen.delete(answer.address)
    seen.set(answer.address, answer)
    // In the order of their answers.
    for (const [address, { at }] of seen) {
      if (seen.size <= mostKept && answer.at - at < keepMs) break
      seen.delete(address)
    }
  }

  function fly(address: string): Flight {
    const known = flights.get(address)
    if (known !== undefined) return known
    const stop = new AbortController()
    setMaxListeners(0, stop.signal)
    const answer = send(address, stop.signal)
    const flight: Flight = { stop, answer, waiters: 0 }
    flights.set(address, flight)
    answer.catch(() => undefined).finally(() => land(address, flight))
    return flight
  }

  function land(address: string, flight: Flight): void {
    if (flights.get(address) === flight) flights.delete(address)
  }

  /** One of several who wait goes at once; the last one ends the question and waits until its socket is closed. */
  async function waitFor(address: string, flight: Flight, signal: AbortSignal): Promise<Seen> {
    flight.waiters++
    const done = new AbortController()
    const left = new Promise<undefined>((resolve) => {
      signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: done.signal })
    })
    try {
      const answer = await Promise.race([flight.answer, left])
      if (answer !== undefined) return answer
    } finally {
      done.abort()
      flight.waiters--
    }
    if (flight.waiters === 0) {
      land(address, flight)
      flight.stop.abort()
      await flight.answer.catch(() => undefined)
    }
    throw signal.reason
  }

  return {
    ask: async (address, maxAgeMs, signal) => {
      signal.throwIfAborted()
      const known = seen.get(address)
      if (known !== undefined && clock.monotonic() - known.at <= maxAgeMs) return known
      return await waitFor(address, fly(address), signal)
    },
    last: (address) => seen.get(address),
    asked: () => asked,
  }
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'))
}
