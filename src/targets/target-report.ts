import type { Incarnation } from '../model/registration.ts'
import type { Quarantined, Target } from '../model/target.ts'
import type { ProbeResult } from './process-identity.ts'

/**
 * All that is known of one id: why it is in the list, or is not. Times are milliseconds since 1970, and what is not known
 * is absent.
 */
export interface TargetReport {
  /** What counts for the id, served or not. */
  readonly target?: Target
  /** The id that is served at its address instead. */
  readonly coveredBy?: string
  /** When it got its state. */
  readonly since?: number
  readonly leaseLeftMs?: number
  /** The replica to which its registrant speaks. */
  readonly holder?: string
  readonly lost?: LossReport
  readonly probe?: Probed
  /** A life of it that lost its address to another id. */
  readonly evicted?: Eviction
  /** Entries of it that cannot be served. */
  readonly quarantined: readonly Quarantined[]
  /** The last times it left, newest first. */
  readonly departures: readonly Departure[]
}

/** Nothing is known of it, not even that it has left. */
export function isEmptyReport({ target, evicted, quarantined, departures }: TargetReport): boolean {
  return target === undefined && evicted === undefined && quarantined.length === 0 && departures.length === 0
}

/** Its end was not announced. */
export interface LossReport {
  readonly at: number
  readonly why: string
  readonly heldAt?: number
  readonly leavesInMs: number
}

/** What the last look at its page came to. */
export interface Probed extends ProbeResult {
  readonly at: number
  /** What was learnt of its process when it was new. */
  readonly learnt?: string
}

export interface Eviction {
  readonly incarnation: Incarnation
  readonly by: string
}

/** It was in the list, and left. */
export interface Departure {
  readonly id: string
  readonly incarnation: Incarnation
  readonly address: string
  readonly at: number
  readonly why: string
}
