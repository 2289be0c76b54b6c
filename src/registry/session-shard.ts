import { together } from '../runtime/together.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import type { StateChange } from '../zookeeper/state.ts'
import { createMemberPlacer, type MemberPlacer, type MemberPlacerDeps } from './member-placer.ts'
import { createMemberWriter, type MemberWriter, type MemberWriterDeps } from './member-writer.ts'

/** One session and the members that are its ephemerals. */
export interface SessionShard {
  readonly zookeeper: Zookeeper
  readonly placer: MemberPlacer
  readonly writer: MemberWriter
  run(signal: AbortSignal): Promise<void>
  /** Ends `run`. */
  close(): void
}

export interface SessionShardDeps
  extends Omit<MemberPlacerDeps, 'writer' | 'isConnected' | 'isConfirmed'>,
    MemberWriterDeps {
  /** Nothing is written before. */
  readonly mayWrite: () => boolean
  readonly onState: (change: StateChange) => void
}

export function createSessionShard(zookeeper: Zookeeper, deps: SessionShardDeps): SessionShard {
  const writer = createMemberWriter(zookeeper, deps)
  const isConnected = (): boolean => zookeeper.state() === 'connected' && deps.mayWrite()
  const isConfirmed = (): boolean => (zookeeper.confirmedUntil() ?? 0) > deps.clock.monotonic()
  const placer = createMemberPlacer({ ...deps, writer, isConnected, isConfirmed })
  const closing = new AbortController()
  return {
    zookeeper,
    placer,
    writer,
    close: () => closing.abort(),
    run: async (signal) => {
      const stopListening = zookeeper.onState(deps.onState)
      try {
        await together(AbortSignal.any([signal, closing.signal]), [zookeeper.run, placer.run])
      } finally {
        stopListening()
      }
    },
  }
}
