import { openRegistrationWorld } from '../test/http/registration-world.ts'
import { type LoopWatch, watchLoop } from './watch-loop.ts'

/** What the daemon's side of a step was. */
export interface ServerStep extends LoopWatch {
  readonly kind: 'step'
  readonly cpuMs: number
  readonly rssMb: number
  readonly peakRssMb: number
}

export type ServerMessage = ServerStep | { readonly kind: 'listening'; readonly url: string }

/**
 * The child process of bench/targets.ts: the embedded registry on disk, the target list and the HTTP server, and nothing
 * else. Argument: a folder for the journal. Any message ends a step and begins the next.
 */
async function main(storagePath: string): Promise<void> {
  const { url } = await openRegistrationWorld({ storagePath })
  let end = watchLoop()
  let cpu = process.cpuUsage()
  process.on('message', () => {
    const { user, system } = process.cpuUsage(cpu)
    tell({
      kind: 'step',
      ...end(),
      cpuMs: (user + system) / 1_000,
      rssMb: process.memoryUsage.rss() / 2 ** 20,
      peakRssMb: process.resourceUsage().maxRSS / 1_024,
    })
    end = watchLoop()
    cpu = process.cpuUsage()
  })
  process.on('disconnect', () => process.exit(0))
  tell({ kind: 'listening', url })
}

function tell(message: ServerMessage): void {
  process.send?.(message)
}

const [storagePath] = process.argv.slice(2)
if (storagePath !== undefined) void main(storagePath)
