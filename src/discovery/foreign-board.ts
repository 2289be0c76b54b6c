import { addressKey, type Quarantined, type Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { createSteadyTime } from '../runtime/steady-time.ts'
import { type Claims, createClaims, lostPlace } from '../targets/claims.ts'
import { createDepartures, defaultHoldSeconds, defaultLingerSeconds, whyLeaving } from '../targets/departures.ts'
import { createRecentDepartures } from '../targets/recent-departures.ts'
import type { TargetReport } from '../targets/target-report.ts'

export interface ForeignBoardOptions {
  readonly tickMs: number
  readonly lingerSeconds?: number
  readonly holdSeconds?: number
  readonly clock: Clock
  readonly logger: Logger
}

/** The members of others by path, those lost and those refused. */
export interface ForeignBoard {
  readonly claims: Claims
  size(): number
  at(path: string): Target | undefined
  list(path: string, target: Target): void
  /** It cannot be served. */
  refuse(path: string, why: string, id: string | undefined): void
  /** It says itself that it has ended. */
  end(path: string, id: string): void
  /** It is no member. */
  ignore(path: string): void
  /** It is gone without a word. */
  lose(path: string): void
  /** To be called every `tickMs` while all can be seen: no time passes otherwise. True: the list has changed. */
  tick(): Promise<boolean>
  release(ids?: readonly string[]): readonly string[]
  quarantined(): readonly Quarantined[]
  report(id: string): TargetReport
}

export function createForeignBoard(options: ForeignBoardOptions): ForeignBoard {
  const { clock, logger, tickMs, lingerSeconds = defaultLingerSeconds, holdSeconds = defaultHoldSeconds } = options
  const claims = createClaims()
  const bad = new Map<string, { readonly why: string; readonly id: string | undefined }>()
  const times = { lingerMs: lingerSeconds * 1000, holdMs: holdSeconds * 1000 }
  const departures = createDepartures(times)
  const left = createRecentDepartures()
  const lostAt = new Map<string, number>()
  const time = createSteadyTime(clock, tickMs)

  function forget(id: string): void {
    departures.forget(id)
    lostAt.delete(id)
    claims.set(lostPlace(id), undefined)
  }

  function clear(path: string, why: string): void {
    const target = claims.at(path)
    claims.set(path, undefined)
    bad.delete(path)
    if (target !== undefined) left.note(target, clock.wall(), why)
  }

  return {
    claims,
    size: () => claims.size(),
    at: claims.at,
    list: (path, target) => {
      bad.delete(path)
      forget(target.registration.id)
      claims.set(path, target)
    },
    refuse: (path, why, id) => {
      clear(path, `it cannot be served: ${why}`)
      bad.set(path, { why, id })
    },
    end: (path, id) => {
      clear(path, 'its end was announced')
      forget(id)
    },
    ignore: (path) => clear(path, 'its znode is no member any more'),
    lose: (path) => {
      const target = claims.at(path)
      bad.delete(path)
      claims.set(path, undefined)
      if (target === undefined) return
      const { id } = target.registration
      lostAt.set(id, clock.wall())
      claims.set(lostPlace(id), departures.lost(target, time.now()))
    },
    tick: async () => {
      time.tick()
      const breathe = breather()
      const swept = departures.sweep(time.now(), claims.size())
      for (const target of swept.held) {
        claims.set(lostPlace(target.registration.id), target)
        await breathe()
      }
      if (swept.held.length > 0) logger.warn({ now: swept.held.length, held: departures.heldCount() }, heldMessage)
      for (const { target, leaving } of swept.left) {
        const { id } = target.registration
        left.note(target, clock.wall(), `its znode is gone; ${whyLeaving(leaving, times)}`)
        if (departures.get(id) === undefined) forget(id)
        await breathe()
      }
      return swept.held.length + swept.left.length > 0
    },
    release: departures.release,
    quarantined: () => Array.from(bad, ([where, { why }]) => ({ where, why })),
    report: (id) => {
      const [target, lost, at] = [claims.lifeOf(id), departures.get(id), lostAt.get(id)]
      const owner = target === undefined ? undefined : claims.ownerOf(addressKey(target.registration))
      return {
        ...(target && { target }),
        ...(owner !== undefined && owner !== target && { coveredBy: owner.registration.id }),
        ...(lost &&
          at !== undefined && {
            lost: { at, why: 'its znode is gone', leavesInMs: Math.max(0, lost.until - time.now()) },
          }),
        quarantined: Array.from(bad).flatMap(([where, one]) => (one.id === id ? [{ where, why: one.why }] : [])),
        departures: left.of(id),
      }
    },
  }
}

const heldMessage = 'So many znodes of others were lost at once that their targets are held'
