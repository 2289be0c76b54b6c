import type { Clock } from '../runtime/clock.ts'
import type { SeenZnode } from './member-writer.ts'

/** Znodes whose end was announced: they stay until every reader can have seen the mark. */
export interface Farewell {
  say(id: string, marked: SeenZnode): void
  isLeaving(path: string): boolean
  /** Something of this id is leaving. */
  hasAny(id: string): boolean
  /** Until the server must be asked again, in milliseconds; endless when nobody is leaving. */
  dueInMs(): number
  /** Asks the server when it is time to; returns who has been heard, and forgets them. @throws what asking throws */
  heard(): Promise<readonly Leaving[]>
}

export interface Leaving {
  readonly id: string
  readonly marked: SeenZnode
}

/** Readers look at what has changed ten times a second: long enough for all of them to see the mark. */
const farewellMs = 1_000
const beatMs = 250

/**
 * A server that stands still, or that we have lost, has told nobody: only time counts in which it answered promptly, all
 * the time. Deleted sooner, a znode would be gone before others had read its mark, and they would take it for a loss.
 */
export function createFarewell(clock: Clock, ask: () => Promise<unknown>): Farewell {
  const leaving = new Map<string, Leaving & { readonly saidAt: number }>()
  const lastPathOf = new Map<string, string>()
  let promptSince = 0
  let answeredAt = Number.NEGATIVE_INFINITY

  const dueInMs = (): number =>
    leaving.size === 0 ? Number.POSITIVE_INFINITY : Math.max(0, answeredAt + beatMs - clock.monotonic())

  return {
    dueInMs,
    say: (id, marked) => {
      leaving.set(marked.path, { id, marked, saidAt: clock.monotonic() })
      lastPathOf.set(id, marked.path)
    },
    isLeaving: (path) => leaving.has(path),
    hasAny: (id) => lastPathOf.has(id),
    heard: async () => {
      if (dueInMs() > 0) return []
      const askedAt = clock.monotonic()
      if (askedAt - answeredAt > 2 * beatMs) promptSince = askedAt
      await ask()
      answeredAt = clock.monotonic()
      if (answeredAt - askedAt > beatMs) promptSince = answeredAt
      const over = [...leaving.values()].filter(
        ({ saidAt }) => Math.max(saidAt, promptSince) + farewellMs <= answeredAt,
      )
      for (const { id, marked } of over) {
        leaving.delete(marked.path)
        if (lastPathOf.get(id) === marked.path) lastPathOf.delete(id)
      }
      return over
    },
  }
}
