import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runDaemon } from '../../src/app/daemon.ts'
import { effectiveConfig, parseFlags } from '../../src/app/flags.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'

export interface RunningDaemon extends AsyncDisposable {
  readonly url: string
  readonly port: number
}

/** The whole daemon in this process, on a port of the kernel and a storage of its own, with the given flags. */
export async function startDaemon(flags: readonly string[]): Promise<RunningDaemon> {
  const stop = new AbortController()
  const storage = mkdtempSync(join(tmpdir(), 'lagkeeper-daemon-'))
  const { config, demo } = effectiveConfig(parseFlags(['--web.listen-address=127.0.0.1:0', ...flags]), {})
  let done: Promise<void> = Promise.resolve()
  const port = await new Promise<number>((resolve, reject) => {
    done = runDaemon(
      {
        clock: systemClock,
        logger: silentLogger,
        version: 'test',
        read: () => ({ config: { ...config, storage: { path: storage } }, demo }),
        onListening: (address) => resolve(address.port),
      },
      stop.signal,
    )
    done.catch(reject)
  })
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await done
      rmSync(storage, { recursive: true, force: true })
    },
  }
}

/** Resolves when `/-/ready` says so. */
export async function whenReady(daemon: RunningDaemon, timeoutMs = 60_000): Promise<void> {
  const givenUpAt = Date.now() + timeoutMs
  for (;;) {
    const answer = await fetch(`${daemon.url}/-/ready`)
    const text = await answer.text()
    if (answer.ok) return
    if (Date.now() > givenUpAt) throw new Error(`the daemon is not ready after ${timeoutMs} ms: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
