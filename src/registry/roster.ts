import { compareLives, type Heartbeat, type Registration } from '../model/registration.ts'
import type { RegistryView, Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { createLinger } from '../targets/linger.ts'
import type { Bell } from './bell.ts'
import { type Change, createHoldings, type Holdings } from './holdings.ts'
import { createLeaseBook } from './lease-book.ts'

/** What is held together with who counts as alive: listed while the lease lasts, then lingering, then gone. */
export interface Roster {
  readonly holdings: Holdings
  /** Makes a change that is durable; a registration that comes has a full lease. */
  apply(change: Change): void
  /** A full lease from now on; a target that lingered is listed again. */
  extend(registration: Registration): void
  /** Extends leases; returns the ids that are not held in this incarnation. */
  renew(many: readonly Heartbeat[]): Promise<readonly string[]>
  /** To be called every `tickMs`: ends leases that are over; returns the ids that have lingered long enough. */
  tick(): Promise<readonly string[]>
  /** To be called after changes: the next view shows them. */
  publish(): void
  view(isWhole: boolean): RegistryView
}

export interface RosterOptions {
  readonly clock: Clock
  readonly tickMs: number
  readonly lingerMs: number
  readonly bell: Bell
  /** Called after each change of one entry; undefined: it is gone. */
  readonly onTarget?: (id: string, target: Target | undefined) => void
}

export function createRoster({ clock, tickMs, lingerMs, bell, onTarget = () => undefined }: RosterOptions): Roster {
  const holdings = createHoldings()
  const leases = createLeaseBook(clock, tickMs)
  const linger = createLinger(lingerMs)
  let version = 0
  let targets: readonly Target[] | undefined

  const publish = (): void => {
    version++
    targets = undefined
    bell.ring()
  }

  /** True when the list has changed. */
  const revive = ({ id, leaseSeconds }: Registration): boolean => {
    leases.grant(id, leaseSeconds)
    linger.forget(id)
    const target = holdings.get(id)
    if (target?.state !== 'lingering') return false
    restate({ ...target, state: 'listed' })
    return true
  }

  function restate(target: Target): void {
    holdings.restate(target)
    onTarget(target.registration.id, target)
  }

  return {
    holdings,
    publish,
    apply: (change) => {
      holdings.apply(change)
      if ('put' in change) {
        revive(change.put.registration)
        onTarget(change.put.registration.id, change.put)
        return
      }
      leases.forget(change.drop)
      linger.forget(change.drop)
      onTarget(change.drop, undefined)
    },
    extend: (registration) => {
      if (holdings.get(registration.id) !== undefined && revive(registration)) publish()
    },
    renew: async (many) => {
      const breathe = breather()
      const unknown: string[] = []
      let isChanged = false
      for (const { id, incarnation } of many) {
        const held = holdings.get(id)?.registration
        const isHeld = held !== undefined && (incarnation === undefined || compareLives(incarnation, held) === 'same')
        if (isHeld) isChanged = revive(held) || isChanged
        else unknown.push(id)
        await breathe()
      }
      if (isChanged) publish()
      return unknown
    },
    tick: async () => {
      const breathe = breather()
      const now = clock.monotonic()
      const lost = leases.tick()
      for (const id of lost) {
        const target = holdings.get(id)
        // A heartbeat may have come while others had their turn.
        if (target !== undefined && !leases.has(id)) restate(linger.lost(target, now))
        await breathe()
      }
      if (lost.length > 0) publish()
      return linger.sweep(now).map(({ registration }) => registration.id)
    },
    view: (isWhole) => {
      targets ??= [...holdings.targets()]
      return { version, confirmedAt: clock.monotonic(), whole: isWhole, targets, quarantined: [] }
    },
  }
}
