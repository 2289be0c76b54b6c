import type { Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { SteadyTime } from '../runtime/steady-time.ts'
import { createDepartures, type Leaving, type Lost, whyLeaving } from '../targets/departures.ts'
import type { LossReport } from '../targets/target-report.ts'
import type { IdentityBook } from './identity-book.ts'
import { createTimetable } from './timetable.ts'

/** What became of a lease that ended: its process was found alive, found gone or replaced, or neither is certain. */
export type LeaseOutcome = 'alive' | 'gone' | 'unverified'

/** Somebody who leaves the list without a word of his own. */
export interface Departing {
  readonly id: string
  readonly why: string
}

/** Those whose end was not announced, and what becomes of them. */
export interface Losses {
  /**
   * Its process is looked for, and what was served of it is served on until that look is over, for seconds at most; with
   * `isCertain` it is served as lost at once. Its time runs from now on.
   */
  lose(target: Target, why: string, isCertain?: boolean): void
  /** It is back, or its end was announced. */
  forget(id: string): void
  /** To be called every tick: answers with who leaves now. What is served may change with it. */
  sweep(): Promise<readonly Departing[]>
  /** Those of them that are held, or all: they leave with the next sweep. Answers with their ids. */
  release(ids?: readonly string[]): readonly string[]
  report(id: string): LossReport | undefined
}

export interface LossesDeps {
  readonly lingerMs: number
  readonly holdMs: number
  readonly time: SteadyTime
  readonly clock: Clock
  readonly logger: Logger
  /** Of the whole list, lost ones included. */
  readonly size: () => number
  /** What is served of it now. */
  readonly serve: (target: Target) => void
  /** Its process is still the one that registered: it counts as alive for one more lease. */
  readonly revive: (target: Target) => void
  readonly identities?: IdentityBook
  readonly onOutcome?: (outcome: LeaseOutcome) => void
}

const probeHeldEveryMs = 30_000
/** One look decides nothing: a page may fail for a moment. */
const probeLingeringEveryMs = 15_000
const mostChecksAtOnce = 32
/** So long a look may take before the target is served as lost. */
const lookMs = 5_000

/** A look at somebody who was lost at that moment: when he was lost again since, it is void. */
interface Check {
  readonly id: string
  readonly lostAt: number
  /** Absent: just lost. */
  readonly while?: 'lingering' | 'held'
}

export function createLosses(deps: LossesDeps): Losses {
  const { time, clock, logger, serve, identities, onOutcome = () => undefined } = deps
  const departures = createDepartures(deps)
  const reports = new Map<string, { readonly at: number; readonly why: string; readonly heldAt?: number }>()
  /** Of who has just been lost, and of who lingers or is held. */
  const soon = createTimetable<Check>()
  const regular = createTimetable<Check>()
  /** Until when those who are being looked at are served as before; in the order of time. */
  const unserved = new Map<string, number>()
  let checking = 0

  function forget(id: string): void {
    unserved.delete(id)
    departures.forget(id)
    reports.delete(id)
  }

  function checkMore(): void {
    if (identities === undefined) return
    while (checking < mostChecksAtOnce) {
      const next = soon.take(time.now()) ?? regular.take(time.now())
      if (next === undefined) return
      const lost = departures.get(next.id)
      if (lost?.lostAt !== next.lostAt) continue
      checking++
      void check(identities, lost, next.while).finally(() => {
        checking--
        checkMore()
      })
    }
  }

  async function check(
    book: IdentityBook,
    { target: { registration }, lostAt }: Lost,
    during: Check['while'],
  ): Promise<void> {
    const { id } = registration
    const { verdict } = await book.check(registration)
    const now = departures.get(id)
    if (now?.lostAt !== lostAt) return
    const { target } = now
    if (verdict === 'same') {
      forget(id)
      deps.revive({ ...target, state: 'listed' })
      if (during === undefined) onOutcome('alive')
      return
    }
    serveLost(id)
    if (verdict === 'other' || (verdict === 'gone' && target.state === 'held')) departures.prove(id)
    else if (target.state !== 'held')
      regular.add(time.now() + probeLingeringEveryMs, { id, lostAt, while: 'lingering' })
    // The others among the held are in the plan that was made when they were.
    else if (during === 'held') regular.add(time.now() + probeHeldEveryMs, { id, lostAt, while: 'held' })
    if (during === undefined) onOutcome(verdict === 'other' || verdict === 'gone' ? 'gone' : 'unverified')
  }

  function serveLost(id: string): void {
    const lost = unserved.delete(id) ? departures.get(id) : undefined
    if (lost !== undefined) serve(lost.target)
  }

  /** The first looks are spread, so that thousands that are held are not asked all in one second. */
  function watch(held: readonly Target[]): void {
    const now = time.now()
    for (const [index, { registration }] of held.entries()) {
      const lost = departures.get(registration.id)
      const share = (index + 1) / held.length
      if (lost !== undefined) {
        const { id } = registration
        regular.add(now + share * probeHeldEveryMs, { id, lostAt: lost.lostAt, while: 'held' })
      }
    }
  }

  function reasonOf(id: string, leaving: Leaving): string {
    const why = reports.get(id)?.why ?? 'it was lost'
    const probed = identities?.last(id)?.why ?? 'its process is gone'
    return `${why}; ${leaving === 'proven' ? probed : whyLeaving(leaving, deps)}`
  }

  return {
    forget,
    lose: (target, why, isCertain = identities === undefined) => {
      const { id } = target.registration
      const isNew = departures.get(id) === undefined
      const now = time.now()
      const lost = departures.lost(target, now)
      serve(isNew && !isCertain ? { ...lost, state: 'listed' } : lost)
      if (!isNew) return
      reports.set(id, { at: clock.wall(), why })
      if (identities === undefined) return
      if (!isCertain) unserved.set(id, now + lookMs)
      soon.add(now - 1_000, { id, lostAt: now })
      checkMore()
    },
    sweep: async () => {
      const breathe = breather()
      for (const [id, until] of unserved) {
        if (until > time.now()) break
        serveLost(id)
        await breathe()
      }
      const { left, held } = departures.sweep(time.now(), deps.size())
      for (const target of held) {
        const report = reports.get(target.registration.id)
        if (report !== undefined) reports.set(target.registration.id, { ...report, heldAt: clock.wall() })
        serve(target)
        await breathe()
      }
      if (held.length > 0) {
        watch(held)
        logger.warn({ now: held.length, held: departures.heldCount() }, heldMessage)
      }
      const late = left.filter(({ leaving }) => leaving === 'held')
      if (late.length > 0) logger.warn({ now: late.length, held: departures.heldCount() }, lateMessage)
      const departing: Departing[] = []
      for (const { target, leaving } of left) {
        const { id } = target.registration
        departing.push({ id, why: reasonOf(id, leaving) })
        reports.delete(id)
        await breathe()
      }
      checkMore()
      return departing
    },
    release: (ids) => {
      const released = departures.release(ids)
      if (released.length > 0)
        logger.info({ now: released.length, held: departures.heldCount() }, 'Held targets were released')
      return released
    },
    report: (id) => {
      const [report, lost] = [reports.get(id), departures.get(id)]
      if (report === undefined || lost === undefined) return undefined
      return { ...report, leavesInMs: Math.max(0, lost.until - time.now()) }
    },
  }
}

const heldMessage = 'So many targets were lost at once that they are held: look for trouble between them and us'
const lateMessage = 'Held targets leave: nobody has come back for them'
