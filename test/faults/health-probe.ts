import { setTimeout as sleep } from 'node:timers/promises'

/** Asks `/-/healthy` on a new connection again and again, as whoever decides about a restart does. */
export interface HealthProbe {
  /** Milliseconds that 99 of 100 answers took at most; infinite when one did not come. */
  stop(): Promise<{ readonly count: number; readonly p99: number; readonly max: number }>
}

const everyMs = 100
const patienceMs = 5_000

export function probeHealth(url: string): HealthProbe {
  const stopping = new AbortController()
  const times: number[] = []
  const done = (async () => {
    while (!stopping.signal.aborted) {
      const began = performance.now()
      const isFine = await fetch(`${url}/-/healthy`, {
        headers: { Connection: 'close' },
        signal: AbortSignal.timeout(patienceMs),
      }).then(
        async (answer) => (await answer.text()) === 'ok\n',
        () => false,
      )
      times.push(isFine ? performance.now() - began : Number.POSITIVE_INFINITY)
      await sleep(everyMs)
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await done
      const sorted = times.toSorted((a, b) => a - b)
      const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY
      return { count: sorted.length, p99, max: sorted.at(-1) ?? Number.POSITIVE_INFINITY }
    },
  }
}
