import { setTimeout as sleep } from 'node:timers/promises'

/** What the child process of `health-probe.ts` says at its end. */
export interface ProbedHealth {
  /** Milliseconds of each answer. */
  readonly times: readonly number[]
  /** Questions without a right answer. */
  readonly lost: number
}

const everyMs = 100
const patienceMs = 5_000

/** Asks until it is told to stop. Says something as soon as it has had its first answer, and at the end all. */
async function main(url: string): Promise<void> {
  const stopping = new AbortController()
  process.once('message', () => stopping.abort())
  process.once('disconnect', () => process.exit())
  const times: number[] = []
  let lost = 0
  for (let asked = 0; !stopping.signal.aborted; asked++) {
    const began = performance.now()
    const isFine = await fetch(`${url}/-/healthy`, {
      headers: { Connection: 'close' },
      signal: AbortSignal.timeout(patienceMs),
    }).then(
      async (answer) => (await answer.text()) === 'ok\n',
      () => false,
    )
    if (asked === 0) process.send?.('begun')
    else if (isFine) times.push(performance.now() - began)
    else lost++
    await sleep(everyMs)
  }
  const probed: ProbedHealth = { times, lost }
  process.send?.(probed)
}

await main(process.argv[2] ?? '')
