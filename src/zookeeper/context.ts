import type { Clock } from '../runtime/clock.ts'
import type { CallOptions } from './calls.ts'
import { badArguments } from './errors.ts'
import type { Feature } from './features.ts'
import { isValidPath, withChroot, withoutChroot } from './paths.ts'
import type { Acl } from './records.ts'
import type { Session } from './session.ts'
import type { Watcher } from './watches.ts'

/** What every operation of the client needs: the session, and how a caller's path becomes the server's. */
export interface Context {
  readonly session: Session
  readonly defaultAcl: readonly Acl[]
  /** @throws ZookeeperError BAD_ARGUMENTS when it is no path. `suffix` is what the server will add to it. */
  toServer(what: string, path: string, suffix?: string): string
  toCaller(path: string): string
  /** The watcher with the caller's paths; the same one for the same watcher, so that setting it twice is setting it once. */
  translated(watcher: Watcher): Watcher
  /** For an operation of several steps: what each may still take. */
  budget(options: CallOptions): () => CallOptions
  /** Asks the server if that is not known yet. */
  supports(feature: Feature, options: CallOptions): Promise<boolean>
}

export interface ContextOptions {
  readonly session: Session
  readonly chroot: string
  readonly defaultAcl: readonly Acl[]
  readonly requestTimeoutMs: number
  readonly clock: Clock
  readonly supports: Context['supports']
}

export function createContext(options: ContextOptions): Context {
  const { session, chroot, defaultAcl, clock, supports } = options
  const toCaller = (path: string): string => withoutChroot(chroot, path) ?? path
  const translations = new WeakMap<Watcher, Watcher>()
  return {
    session,
    defaultAcl,
    supports,
    budget: ({ signal, timeoutMs = options.requestTimeoutMs }) => {
      const end = clock.monotonic() + timeoutMs
      return () => ({ timeoutMs: Math.max(0, end - clock.monotonic()), ...(signal !== undefined && { signal }) })
    },
    toServer: (what, path, suffix = '') => {
      if (!isValidPath(path + suffix)) throw badArguments(what, 'no valid path of a znode')
      return withChroot(chroot, path)
    },
    toCaller,
    translated: (watcher) => {
      const known = translations.get(watcher)
      if (known !== undefined) return known
      const made: Watcher = (event) => watcher({ ...event, path: toCaller(event.path) })
      translations.set(watcher, made)
      return made
    },
  }
}
