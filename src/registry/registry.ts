import type { Heartbeat, Incarnation, Receipt, Registration } from '../model/registration.ts'
import type { RegistryView, Target } from '../model/target.ts'
import type { Service } from '../runtime/service.ts'
import type { TargetReport } from '../targets/target-report.ts'

/** What a withdrawal came to: `superseded` says that a newer life is there, and nothing was ended. */
export type Withdrawal = 'ended' | 'unknown' | 'superseded'

/**
 * Where registrations are kept. Works only while it runs; before, after, and when the outcome of a write is uncertain,
 * writing rejects with an UnavailableError, and repeating the write is always right.
 */
export interface Registry extends Service {
  /**
   * Resolves only when all that was accepted is as durable as the member promises, with a receipt for each, in order:
   * a conflict of one does not touch the others. The same id and incarnation again changes nothing but the lease.
   *
   * @throws UnavailableError when it is uncertain whether any of them is kept
   */
  put(many: readonly Registration[], signal: AbortSignal): Promise<readonly Receipt[]>
  /** Extends leases; returns the ids it does not know in this incarnation: their owners must register again. */
  renew(many: readonly Heartbeat[], signal: AbortSignal): Promise<readonly string[]>
  /**
   * An announced end, which takes effect at once. Without an incarnation whatever life is there ends; a newer life than
   * the one given stays.
   *
   * @throws UnavailableError when it is uncertain whether it was ended
   */
  withdraw(id: string, incarnation: Incarnation | undefined, signal: AbortSignal): Promise<Withdrawal>
  /** The last complete list; undefined before the first; never partial. */
  view(): RegistryView | undefined
  /** The same entry that `view` has. */
  find(id: string): Target | undefined
  /**
   * Of the targets that are held by this process those with these ids leave the list within seconds; without ids all of
   * them. Answers with the ids that do. Whoever shows a sign of life before stays.
   */
  release(ids?: readonly string[]): readonly string[]
  /** Why an id is in the view, or is not; undefined before the first view. */
  explain(id: string): TargetReport | undefined
  /** Yields after every change of the view, several changes at once as one; ends when the signal aborts. */
  changes(signal: AbortSignal): AsyncIterable<void>
}
