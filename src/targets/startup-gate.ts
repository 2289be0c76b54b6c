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
}

export type StartupGate =
  | { readonly isOpen: true }
  | { readonly isOpen: false; readonly waitingFor: string; readonly retryAfterSeconds: number }

/**
 * Whether the target list may be shown for the first time (I6). An empty list would make Prometheus drop every target,
 * so until the list can be the truth the answer is 503, and Prometheus keeps what it has.
 *
 * A source without a view keeps it closed for as long as it takes. With every view whole it is open. A view that may
 * lack something (an empty or damaged journal, no storage) is believed once every discoverer has looked, and when there
 * is none, or one takes too long, after one lease: by then whoever is alive has registered again.
 */
export function startupGate({ now, startedAt, leaseMs, sources, discoverers, mayReturn }: Startup): StartupGate {
  const blind = sources.find(({ hasView }) => !hasView)
  if (blind !== undefined) return { isOpen: false, waitingFor: `first view of ${blind.name}`, retryAfterSeconds: 5 }
  if (sources.every(({ isWhole }) => isWhole)) return { isOpen: true }
  const remainingMs = startedAt + leaseMs - now
  if (remainingMs <= 0) return { isOpen: true }
  const looking = discoverers.find(({ hasLooked }) => !hasLooked)
  if (looking === undefined && (discoverers.length > 0 || !mayReturn)) return { isOpen: true }
  return {
    isOpen: false,
    waitingFor: looking === undefined ? 'registrants to come back' : `first look of ${looking.name}`,
    retryAfterSeconds: Math.min(5, Math.ceil(remainingMs / 1000)),
  }
}
