import type { LabelSet, Registration } from './registration.ts'

/**
 * `lingering`: its end was not announced, it stays a little longer; `held`: it would be gone, but so much was lost at
 * once that our own trouble is suspected; `quarantined`: found, but nothing that Prometheus may see.
 */
export const targetStates = ['listed', 'lingering', 'held', 'quarantined'] as const
export type TargetState = (typeof targetStates)[number]

/** A registration as Prometheus shall see it. Immutable: one that changes is another object. */
export interface Target {
  readonly registration: Registration
  readonly state: Exclude<TargetState, 'quarantined'>
  /** When it took its place, as a number that grows within one source: of two owners of one address the greater stays. */
  readonly order: number
}

/** An entry that is not served, and why. */
export interface Quarantined {
  /** Where it was found, such as the path of a znode. */
  readonly where: string
  readonly why: string
}

/** A group of http_sd: addresses that share all their labels. */
export interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: LabelSet
}

/** All that a registry knows at one moment, never partial. */
export interface RegistryView {
  /** Grows with every change. */
  readonly version: number
  /** Monotonic milliseconds at which this was last known to be the truth. */
  readonly confirmedAt: number
  /** False after a start that found no registrations, or could not read them all: some may still come back by themselves. */
  readonly whole: boolean
  /** No id and no address twice. */
  readonly targets: readonly Target[]
  readonly quarantined: readonly Quarantined[]
}

/** The key under which only one owner may be listed: two processes cannot have one port of one address. */
export function addressKey(registration: Pick<Registration, 'zone' | 'address'>): string {
  return `${registration.zone} ${registration.address}`
}
