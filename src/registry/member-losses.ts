import type { Registration } from '../model/registration.ts'
import type { Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import { createSteadyTime } from '../runtime/steady-time.ts'
import { type Claims, lostPlace } from '../targets/claims.ts'
import { createRecentDepartures } from '../targets/recent-departures.ts'
import type { TargetReport } from '../targets/target-report.ts'
import { createLeaseBook } from './lease-book.ts'
import { createLosses, type LossesDeps } from './losses.ts'

export interface MemberLossesDeps
  extends Pick<LossesDeps, 'lingerMs' | 'holdMs' | 'clock' | 'logger' | 'identities' | 'onOutcome'> {
  readonly claims: Claims
  readonly tickMs: number
  /** The list has changed while nobody was asked. */
  readonly onChange: () => void
}

/** The members of others that are gone without a word, as claims among the others. */
export interface MemberLosses {
  /** A member of others is there. */
  learn(registration: Registration): void
  /** It is ours: others look after it. */
  disown(id: string): void
  lose(target: Target): void
  /** It is there again, or its end was announced. */
  forget(id: string): void
  /** It has ended: `why` is known. */
  end(target: Target, why: string): void
  /** To be called every `tickMs` while all members can be seen: no time passes otherwise. True: the list has changed. */
  tick(): Promise<boolean>
  release(ids?: readonly string[]): readonly string[]
  report(id: string): Pick<TargetReport, 'lost' | 'probe' | 'departures'>
}

const whyLost = 'its znode is gone'

export function createMemberLosses(deps: MemberLossesDeps): MemberLosses {
  const { claims, clock, tickMs, identities, onChange } = deps
  const time = createSteadyTime(clock, tickMs)
  /** Of those whose znode is gone and whose process answers. */
  const leases = createLeaseBook(time)
  const departures = createRecentDepartures()
  /** Since the last tick. */
  let isChanged = false

  const losses = createLosses({
    ...deps,
    time,
    size: claims.size,
    serve: (target) => {
      isChanged = claims.set(lostPlace(target.registration.id), target) || isChanged
    },
    revive: (target) => {
      const { id, leaseSeconds } = target.registration
      leases.grant(id, leaseSeconds)
      if (claims.set(lostPlace(id), target)) onChange()
    },
  })

  function forget(id: string): void {
    losses.forget(id)
    leases.forget(id)
    isChanged = claims.set(lostPlace(id), undefined) || isChanged
  }

  return {
    learn: (registration) => identities?.learn(registration),
    disown: (id) => identities?.forget(id),
    forget,
    lose: (target) => losses.lose(target, whyLost),
    end: (target, why) => {
      departures.note(target, clock.wall(), why)
      identities?.forget(target.registration.id)
    },
    release: losses.release,
    tick: async () => {
      time.tick()
      const breathe = breather()
      for (const id of leases.over()) {
        const target = claims.at(lostPlace(id))
        if (leases.end(id) && target !== undefined) losses.lose(target, whyLost)
        await breathe()
      }
      for (const { id, why } of await losses.sweep()) {
        const target = claims.at(lostPlace(id))
        // Whoever was lost again meanwhile has a time of its own.
        if (target === undefined || losses.report(id) !== undefined) continue
        departures.note(target, clock.wall(), why)
        forget(id)
        identities?.forget(id)
        await breathe()
      }
      const hasChanged = isChanged
      isChanged = false
      return hasChanged
    },
    report: (id) => {
      const [lost, probe] = [losses.report(id), identities?.last(id)]
      return { ...(lost && { lost }), ...(probe && { probe }), departures: departures.of(id) }
    },
  }
}
