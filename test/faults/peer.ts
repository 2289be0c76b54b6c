import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from './waiting.ts'

/** What became of a registrant on node-zookeeper-client under the same fault. */
export interface PeerOutcome {
  readonly id: string
  readonly ours: string
  readonly theirs: string
}

const outcomes: PeerOutcome[] = []

export function peerTable(): readonly PeerOutcome[] {
  return outcomes
}

/**
 * Runs a registrant on node-zookeeper-client through the same fault and notes how it ended: registered again, or not
 * within `ms`, or its process was gone. It decides nothing; the table shows both.
 */
export async function comparePeer(
  id: string,
  ours: string,
  options: {
    readonly connect: string
    readonly path: string
    readonly watches?: number
    readonly ms: number
    /** Settles when the fault has been injected; gets the process id. */
    readonly inject: (pid: number) => Promise<void>
  },
): Promise<void> {
  const { connect, path, watches = 0, ms, inject } = options
  const file = join(import.meta.dirname, 'peer-client.ts')
  const args = ['--import', import.meta.resolve('tsx'), file, connect, path, String(watches)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const lines: string[] = []
  let code: number | string | undefined
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  child.once('exit', (exitCode, signal) => {
    code = exitCode ?? signal ?? 'none'
  })
  try {
    const said = (what: string, ms: number, is: (line: string) => boolean) => {
      const from = lines.length
      return eventually(`the peer to be ${what}`, ms, async () => lines.slice(from === 0 ? 0 : from - 1).some(is))
    }
    await said('registered', 20_000, (line) => line === 'registered')
    if (watches > 0) await said('watching', 90_000, (line) => line === 'watching')
    await said('listed', 20_000, (line) => line.startsWith('call listed'))
    await inject(child.pid ?? 0)
    const before = lines.length
    const began = performance.now()
    let theirs = `not registered again after ${ms / 1_000} s`
    while (performance.now() - began < ms) {
      if (code !== undefined) {
        theirs = `its process ended with ${code}`
        break
      }
      if (lines.slice(before).some((line) => line.startsWith('call listed'))) {
        theirs = `registered after ${Math.round(performance.now() - began)} ms`
        break
      }
      await sleep(50)
    }
    outcomes.push({ id, ours, theirs })
  } finally {
    child.kill('SIGKILL')
  }
}
