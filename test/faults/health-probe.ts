import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ProbedHealth } from './health-probe-process.ts'

/** Asks `/-/healthy` on a new connection again and again, as whoever decides about a restart does. */
export interface HealthProbe {
  /** The first question has been answered, or not; it does not count. */
  readonly begun: Promise<void>
  /** Milliseconds that 99 of 100 answers took at most; infinite when one did not come. */
  stop(): Promise<{ readonly count: number; readonly p99: number; readonly max: number }>
}

/** In a process of its own: the one of a test simulates a whole world, and its pauses are none of the daemon's. */
export function probeHealth(url: string): HealthProbe {
  const file = fileURLToPath(new URL('./health-probe-process.ts', import.meta.url))
  const child = fork(file, [url], { execArgv: ['--import', 'tsx'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`Probe "${url}": its process ended with ${code}, expected it to say what it saw`)
  })
  ended.catch(() => undefined)
  const begun = Promise.race([once(child, 'message'), ended]).then(() => undefined)
  begun.catch(() => undefined)
  return {
    begun,
    stop: async () => {
      await begun
      const said: Promise<ProbedHealth[]> = once(child, 'message')
      child.send('stop')
      const [{ times, lost } = { times: [], lost: 0 }] = await Promise.race([said, ended])
      child.disconnect()
      await ended.catch(() => undefined)
      const sorted = [...times].sort((a, b) => a - b)
      for (let index = 0; index < lost; index++) sorted.push(Number.POSITIVE_INFINITY)
      const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY
      return { count: sorted.length, p99, max: sorted.at(-1) ?? Number.POSITIVE_INFINITY }
    },
  }
}
