import { readFile } from 'node:fs/promises'
import type { Sample } from '../../bench/conformance/page.ts'

/** How long the event loop of a daemon stands still, by its own metric. */
export interface LoopWatch {
  /** Each page that anybody reads has what was since the one before: all of them have to be shown. */
  saw(page: readonly Sample[]): Promise<void>
  maxMs(): number
}

/** The daemon looks so often; so long a delay is none. */
const tickMs = 250

/** Time in which its thread was ready and others had the processors is not counted. */
export function watchLoop(pid: () => number | undefined): LoopWatch {
  let isFirst = true
  let waitedBefore = 0
  let maxMs = 0
  return {
    saw: async (page) => {
      const delay = page.find(({ name }) => name === 'lagkeeper_event_loop_delay_seconds')?.value
      const waited = await waitedMs(pid())
      // The first one is of the time before.
      if (!isFirst)
        maxMs = Math.max(maxMs, Math.round(Number(delay) * 1_000 - tickMs - Math.max(0, waited - waitedBefore)))
      waitedBefore = waited
      isFirst = false
    },
    maxMs: () => maxMs,
  }
}

/** Milliseconds for which the main thread of a process could have run and did not. */
async function waitedMs(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')
  return Number(text.split(' ')[1] ?? 0) / 1e6
}
