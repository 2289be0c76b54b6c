/** What has happened since the start; times are monotonic milliseconds. */
export interface Startup {
  readonly now: number
  readonly startedAt: number
  /** After this long whoever is alive has come back by himself. */
  readonly leaseMs: number
  /** The sources of the list: whether one has a view yet, and whether that view is the whole truth from before. */
  readonly sources: readonly { readonly name: string; readonly hasView: boolean; readonly isWhole: boolean }[]
  /** Those who look for reporters, and whether their first complete look is over. */
  readonly discoverers: readonly { readonly name: string; readonly hasLooked: boolean }[]
  /** False in the demo, whose registrants start with it. */
  readonly mayReturn: boolean
  /** When the list grew last; absent while it is empty. */
  readonly grewAt?: number
}

/** While registrants come back one after the other, the next is there within this time. */
const quietMs = 3_000

export type StartupGate =
  | { readonly isOpen: true }
  | { readonly isOpen: false; readonly waitingFor: string; readonly retryAfterSeconds: number }

/**
 * Whether the target list may be shown for the first time (I6). An empty list would make Prometheus drop every target,
 * so until the list can be the truth the answer is 503, and Prometheus keeps what it has.
 *
 * A source without a view keeps it closed for as long as it takes. With every view whole it is open. A view that may
 * lack something (an empty or damaged journal, no storage) is believed once every discoverer has looked. When there is
 * none, it is believed once registrants have come and no other has for three seconds: one that is new is listed soon
 * (I4), and a crowd that comes back is not shown by its first. In any case after one lease: by then whoever is alive has
 * registered again.
 */
export function startupGate({
  now,
  startedAt,
  leaseMs,
  sources,
  discoverers,
  mayReturn,
  grewAt,
}: Startup): StartupGate {
  const blind = sources.find(({ hasView }) => !hasView)
  if (blind !== undefined) return { isOpen: false, waitingFor: `first view of ${blind.name}`, retryAfterSeconds: 5 }
  if (sources.every(({ isWhole }) => isWhole)) return { isOpen: true }
  const remainingMs = startedAt + leaseMs - now
  if (remainingMs <= 0) return { isOpen: true }
  const looking = discoverers.find(({ hasLooked }) => !hasLooked)
  const isQuiet = grewAt !== undefined && now - grewAt >= quietMs
  if (looking === undefined && (discoverers.length > 0 || !mayReturn || isQuiet)) return { isOpen: true }
  return {
    isOpen: false,
    waitingFor: looking === undefined ? 'registrants to come back' : `first look of ${looking.name}`,
    retryAfterSeconds: Math.min(grewAt === undefined ? 5 : 1, Math.ceil(remainingMs / 1000)),
  }
}
