import type { Clock } from '../runtime/clock.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import type { Wanted } from './judge-head.ts'
import type { ReadHead } from './page-head.ts'
import type { Resolve } from './search-hosts.ts'

/** A process whose reporter is looked for. */
export interface Sought {
  /** Of the reporter: `<namespace>/<app>/<role>/<instance>`, and which life of it. */
  readonly id: string
  readonly life: string
  /** A name or an IP address. */
  readonly host: string
  /** Who named the host is on our own machine, so that loopback is ours too. */
  readonly isLocal: boolean
  /** In the order in which a process tries them. */
  readonly ports: readonly number[]
  readonly wanted: Wanted
}

/** An address that a registrant gave, and the id under which. */
export interface RegisteredElsewhere {
  readonly id: string
  readonly address: string
}

export type SearchResult =
  | {
      readonly kind: 'found'
      readonly address: string
      readonly host?: string
      readonly registeredAs?: string
      /** It was there, and has not answered for a while. */
      readonly isMute?: true
    }
  /** `isSearched`: every port was looked at; only the log can say more. */
  | { readonly kind: 'silent'; readonly why: string; readonly isSearched: boolean }

/** What somebody else who reads the pages saw last at the address of a reporter. */
export type Witness = (
  id: string,
) => { readonly at: number; readonly verdict: 'same' | 'other' | 'gone'; readonly address: string } | undefined

export interface ReporterSearchDeps {
  readonly clock: Clock
  readonly readHead: ReadHead
  readonly resolve: Resolve
  readonly guard: AddressGuard
  /** Saves a look of our own at what the poller has just read. */
  readonly witness?: Witness
  /** Who was registered by others as the process with this TaskManager id. */
  readonly registered?: (tmId: string) => RegisteredElsewhere | undefined
  /** Where a reporter was before we were started. */
  readonly remembered?: (id: string) => string | undefined
}

/** Finds the reporters of processes by asking the ports of their hosts who is there, and remembers them by process. */
export interface ReporterSearch {
  /**
   * Where its reporter is: known and verified not long ago, or searched now with at most one request a port. After a
   * search that found nothing the next one waits, longer each time. Rejects only when the signal aborts.
   */
  find(sought: Sought, signal: AbortSignal): Promise<SearchResult>
  /** Whether a process that was found before is still where it was; asks unless its page was seen so recently. */
  check(id: string, maxAgeMs: number, signal: AbortSignal): Promise<'same' | 'gone' | 'unknown'>
  /** The port that the log of a process names: tried first at the next search, which is due at once. */
  hint(id: string, port: number): void
  /** Monotonic milliseconds at which its page was last known to be its own. */
  seenAt(id: string): number | undefined
  forget(id: string): void
  /** How many pages were asked for. */
  asked(): number
}
