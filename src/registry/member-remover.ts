import type { Clock } from '../runtime/clock.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { isZookeeperError } from '../zookeeper/errors.ts'
import { createFarewell, type Farewell, type Leaving } from './farewell.ts'
import type { MemberWriter, SeenZnode } from './member-writer.ts'

/** Takes away what has said good-bye, and what nobody wants, unless it was written again meanwhile. */
export interface MemberRemover extends Pick<Farewell, 'say' | 'isLeaving' | 'hasAny'> {
  /** It goes with the next step, whoever wrote it. */
  sweep(id: string, seen: SeenZnode): void
  /** Does what is due. What fails is tried again later. */
  step(): Promise<void>
  /** Until the next step, in milliseconds; endless when there is nothing to do. */
  dueInMs(): number
}

export interface MemberRemoverDeps {
  readonly writer: Pick<MemberWriter, 'ask' | 'removeSeen'>
  readonly onRemoved: (id: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

const deletesPerStep = 500
const againMs = 1_000

export function createMemberRemover({ writer, onRemoved, clock, logger }: MemberRemoverDeps): MemberRemover {
  const farewell = createFarewell(clock, writer.ask)
  const unwanted = new Map<string, Leaving>()
  let notBefore = 0

  async function removeSome(): Promise<void> {
    for (const one of await farewell.heard()) unwanted.set(one.marked.path, one)
    const some = [...unwanted.values()].slice(0, deletesPerStep)
    await Promise.all(some.map(({ marked }) => remove(marked)))
    for (const one of some) {
      if (unwanted.get(one.marked.path) === one) unwanted.delete(one.marked.path)
      onRemoved(one.id)
    }
  }

  async function remove(seen: SeenZnode): Promise<void> {
    try {
      await writer.removeSeen(seen)
    } catch (error) {
      if (!isZookeeperError(error, 'NO_AUTH') && !isZookeeperError(error, 'NOT_EMPTY')) throw error
      logger.warn({ path: seen.path, error: describeError(error) }, 'Znode that nobody wants may not be deleted')
    }
  }

  const dueInMs = (): number => Math.max(notBefore - clock.monotonic(), unwanted.size > 0 ? 0 : farewell.dueInMs())

  return {
    say: farewell.say,
    isLeaving: farewell.isLeaving,
    hasAny: farewell.hasAny,
    sweep: (id, seen) => {
      unwanted.set(seen.path, { id, marked: seen })
    },
    dueInMs,
    step: async () => {
      if (dueInMs() > 0) return
      try {
        await removeSome()
      } catch (error) {
        if (error instanceof InvariantError) throw error
        logger.debug({ error: describeError(error) }, 'Members could not be removed from ZooKeeper')
        notBefore = clock.monotonic() + againMs
      }
    },
  }
}
