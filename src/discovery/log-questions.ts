import type { FlinkRest } from '../flink/flink-rest.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'

/** Asks the logs of processes for the ports of their reporters, in the background and seldom. */
export interface LogQuestions {
  ask(rest: FlinkRest, process: string, id: string): void
  settled(): Promise<void>
}

export interface LogQuestionsDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly lifetime: AbortSignal
  readonly onPort: (id: string, port: number) => void
}

const againMs = 600_000
const mostAtOnce = 2
const mostKept = 10_000

/** The log of a process is read whole by its JobManager, and that of a dead one hangs: never a part of a look. */
export function createLogQuestions({ clock, logger, lifetime, onPort }: LogQuestionsDeps): LogQuestions {
  const askedAt = new Map<string, number>()
  const running = new Set<Promise<void>>()

  async function question(rest: FlinkRest, process: string, id: string): Promise<void> {
    try {
      const port = await rest.reporterPort(process, lifetime)
      if (port !== undefined && !lifetime.aborted) onPort(id, port)
    } catch (error) {
      if (!lifetime.aborted) logger.debug({ process, error: describeError(error) }, 'Log could not be read')
    }
  }

  return {
    ask: (rest, process, id) => {
      const now = clock.monotonic()
      const before = askedAt.get(id)
      if (running.size >= mostAtOnce || (before !== undefined && now - before < againMs)) return
      if (askedAt.size >= mostKept) askedAt.clear()
      askedAt.set(id, now)
      const work = question(rest, process, id)
      running.add(work)
      void work.finally(() => running.delete(work))
    },
    settled: async () => {
      await Promise.all(running)
    },
  }
}
