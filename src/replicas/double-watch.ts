import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Seat } from './look-around.ts'

/** Tells an earlier life of ours, which goes by itself, from another replica that has our id. */
export interface DoubleWatch {
  /** Our seat is taken by another session; we may not have it before it is free. */
  met(seat: Seat, sessionTimeoutMs: number): void
  /** We have our seat, by this session of ours. */
  seated(session: bigint): void
}

/** A session outlives its process by its time-out and a tick of the server: after twice that somebody keeps it alive. */
const patience = 2

export function createDoubleWatch(id: string, { clock, logger }: { clock: Clock; logger: Logger }): DoubleWatch {
  const ours = new Set<bigint>()
  let met: { readonly czxid: bigint; readonly since: number; isTold: boolean } | undefined
  return {
    seated: (session) => {
      ours.add(session)
      met = undefined
    },
    met: ({ member, ephemeralOwner, czxid }, sessionTimeoutMs) => {
      const now = clock.monotonic()
      if (met?.czxid !== czxid) {
        met = { czxid, since: now, isTold: false }
        logger.info({ id }, 'Waiting for the earlier life of this replica to end')
      }
      const longestMs = Math.max(sessionTimeoutMs, ((member?.holdMs ?? 0) * 3) / 2)
      if (met.isTold || ours.has(ephemeralOwner) || now - met.since < patience * longestMs) return
      met.isTold = true
      logger.error(
        { id, url: member?.url, startedAt: member?.startedAt },
        'Another replica has the same id: its storage is a copy of ours, remove replica.id from one of them and restart it',
      )
    },
  }
}
