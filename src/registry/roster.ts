import { compareLives, type Heartbeat, type Registration } from '../model/registration.ts'
import type { RegistryView, Target } from '../model/target.ts'
import type { Bell } from '../runtime/bell.ts'
import { breather } from '../runtime/breathe.ts'
import { createSteadyTime } from '../runtime/steady-time.ts'
import { createRecentDepartures } from '../targets/recent-departures.ts'
import type { TargetReport } from '../targets/target-report.ts'
import { type Change, createHoldings, type Holdings } from './holdings.ts'
import { createLeaseBook } from './lease-book.ts'
import { createLosses, type Departing, type LossesDeps } from './losses.ts'

/** What is held together with who counts as alive: listed while the lease lasts, then lost, then gone. */
export interface Roster {
  readonly holdings: Holdings
  /** Makes a change that is durable; a registration that comes has a full lease. */
  apply(change: Change): void
  /** A full lease from now on; a target that was lost is listed again. */
  extend(registration: Registration): void
  /** Extends leases; returns the ids that are not held in this incarnation, or leave. */
  renew(many: readonly Heartbeat[], isLeaving: (id: string) => boolean): Promise<readonly string[]>
  /** Its process is known to be gone, before its lease is over. */
  giveUp(id: string, why: string): void
  /** To be called every `tickMs`: ends leases that are over; returns who leaves. */
  tick(): Promise<readonly Departing[]>
  /** Those of them that are held, or all, leave with the next tick; answers with their ids. */
  release(ids?: readonly string[]): readonly string[]
  report(id: string): TargetReport
  /** To be called after changes: the next view shows them. */
  publish(): void
  view(isWhole: boolean): RegistryView
}

export interface RosterOptions
  extends Pick<LossesDeps, 'lingerMs' | 'holdMs' | 'clock' | 'logger' | 'identities' | 'onOutcome'> {
  readonly tickMs: number
  readonly bell: Bell
  /** Called after each change of one entry. */
  readonly onTarget?: (id: string, before: Target | undefined) => void
}

export function createRoster(options: RosterOptions): Roster {
  const { clock, tickMs, bell, identities, onTarget = () => undefined } = options
  const holdings = createHoldings()
  const time = createSteadyTime(clock, tickMs)
  const leases = createLeaseBook(time)
  const since = new Map<string, number>()
  const departures = createRecentDepartures()
  let version = 0
  let targets: readonly Target[] | undefined
  /** Since it was published last. */
  let isChanged = false

  const losses = createLosses({
    ...options,
    time,
    size: holdings.size,
    serve: (target) => {
      if (restate(target)) isChanged = true
    },
    revive: ({ registration }) => {
      if (revive(registration)) publish()
    },
  })

  function publish(): void {
    version++
    isChanged = false
    targets = undefined
    bell.ring()
  }

  /** True when the list has changed. */
  function revive({ id, leaseSeconds }: Registration): boolean {
    leases.grant(id, leaseSeconds)
    losses.forget(id)
    const target = holdings.get(id)
    if (target === undefined || target.state === 'listed') return false
    restate({ ...target, state: 'listed' })
    return true
  }

  /** False: it is in that state already. */
  function restate(target: Target): boolean {
    const { id } = target.registration
    const before = holdings.get(id)
    if (before?.state === target.state) return false
    since.set(id, clock.wall())
    holdings.restate(target)
    onTarget(id, before)
    return true
  }

  return {
    holdings,
    publish,
    apply: (change) => {
      const before = holdings.get('put' in change ? change.put.registration.id : change.drop)
      holdings.apply(change)
      if ('put' in change) {
        const { registration } = change.put
        if (before?.registration.incarnation !== registration.incarnation || before.state !== 'listed')
          since.set(registration.id, clock.wall())
        revive(registration)
        identities?.learn(registration)
        onTarget(registration.id, before)
        return
      }
      if (before !== undefined && change.why !== undefined) departures.note(before, clock.wall(), change.why)
      leases.forget(change.drop)
      losses.forget(change.drop)
      identities?.forget(change.drop)
      since.delete(change.drop)
      onTarget(change.drop, before)
    },
    extend: (registration) => {
      if (holdings.get(registration.id) !== undefined && revive(registration)) publish()
    },
    renew: async (many, isLeaving) => {
      const breathe = breather()
      const unknown: string[] = []
      let isAnyBack = false
      for (const { id, incarnation } of many) {
        const held = holdings.get(id)?.registration
        const isHeld = held !== undefined && (incarnation === undefined || compareLives(incarnation, held) === 'same')
        if (isHeld && !isLeaving(id)) isAnyBack = revive(held) || isAnyBack
        else unknown.push(id)
        await breathe()
      }
      if (isAnyBack) publish()
      return unknown
    },
    giveUp: (id, why) => {
      const target = holdings.get(id)
      if (target === undefined) return
      leases.forget(id)
      losses.lose(target, why, true)
      publish()
    },
    tick: async () => {
      time.tick()
      const breathe = breather()
      for (const id of leases.over()) {
        const target = holdings.get(id)
        // A heartbeat may have come while others had their turn.
        if (leases.end(id) && target !== undefined)
          losses.lose(target, `no sign of life for ${target.registration.leaseSeconds} s`)
        await breathe()
      }
      const departing = holdings.size() === 0 ? [] : await losses.sweep()
      if (isChanged) publish()
      return departing
    },
    release: losses.release,
    report: (id) => {
      const [target, at, leaseLeftMs] = [holdings.get(id), since.get(id), leases.left(id)]
      const [lost, probe, evicted] = [losses.report(id), identities?.last(id), holdings.evictedLife(id)]
      return {
        ...(target && { target }),
        ...(at !== undefined && { since: at }),
        ...(leaseLeftMs !== undefined && { leaseLeftMs }),
        ...(lost && { lost }),
        ...(probe && { probe }),
        ...(evicted && { evicted }),
        quarantined: [],
        departures: departures.of(id),
      }
    },
    view: (isWhole) => {
      targets ??= [...holdings.targets()]
      return { version, confirmedAt: clock.monotonic(), whole: isWhole, targets, quarantined: [] }
    },
  }
}
