import type { Target } from '../model/target.ts'

/** How long a target stays listed after an end that nobody announced. */
export const defaultLingerSeconds = 60
/** How long a target is held at most when so many were lost that our own trouble is suspected. */
export const defaultHoldSeconds = 900

/** So many may leave unannounced within one linger time, whatever the size of the list. */
const fewLosses = 10
/** Of a larger list this share may. */
const usualShare = 0.3
/** So many are taken out in one sweep, that it does not last; the others come with the next ones. */
const mostPerSweep = 5_000

/** Why somebody leaves whose end was not announced. `proven`: nothing, or another process, answers at its address. */
export type Leaving = 'lingered' | 'held' | 'released' | 'proven'

/** Why somebody leaves, as the end of a sentence about its loss. */
export function whyLeaving(leaving: Leaving, { lingerMs, holdMs }: DeparturesOptions): string {
  const reasons: Readonly<Record<Leaving, string>> = {
    lingered: `it lingered for ${lingerMs / 1000} s`,
    held: `it was held for ${holdMs / 1000} s`,
    released: 'it was held, and then released',
    proven: 'its process is gone',
  }
  return reasons[leaving]
}

/** Somebody whose end was not announced, with times as they came in. */
export interface Lost {
  readonly target: Target
  readonly lostAt: number
  /** When it leaves unless something happens. */
  readonly until: number
}

interface Sweep {
  /** Taken out: they leave the list now. */
  readonly left: readonly { readonly target: Target; readonly leaving: Leaving }[]
  /** Would have left, and are held from now on. */
  readonly held: readonly Target[]
}

/**
 * The targets whose end was not announced. Each is `lingering` for a while and then leaves, unless so many would leave
 * within one linger time that rather we have lost sight of them: those are `held`, until they are back, somebody lets
 * them go, their end is proven, or much time has passed. Times are milliseconds of a clock that stands still while our
 * own process does.
 */
export interface Departures {
  /** Answers with what is served now. Who is lost already stays as he is. */
  lost(target: Target, now: number): Target
  /** It is back, its end was announced, or its address has a new owner: nothing stays. */
  forget(id: string): void
  get(id: string): Lost | undefined
  /** It is certain that its process is gone: it leaves with the next sweep. False: it is not lost. */
  prove(id: string): boolean
  /** Those of them that are held (of all without ids) leave with the next sweep; answers with their ids. */
  release(ids?: readonly string[]): readonly string[]
  /** Takes out who leaves. `size` of the list, with all who are lost in it. */
  sweep(now: number, size: number): Sweep
  heldCount(): number
}

export interface DeparturesOptions {
  readonly lingerMs: number
  readonly holdMs: number
}

export function createDepartures({ lingerMs, holdMs }: DeparturesOptions): Departures {
  // Each in the order of `until`, because all in it have the same time.
  const lingering = new Map<string, Lost>()
  const held = new Map<string, Lost>()
  /** Who of them leaves with the next sweep. */
  const certain = new Map<string, Leaving>()
  /** Who left or was held since one linger time ago, by moment. */
  let recent: readonly { readonly at: number; readonly count: number; readonly left: number }[] = []

  const get = (id: string): Lost | undefined => lingering.get(id) ?? held.get(id)

  const forget = (id: string): void => {
    for (const all of [lingering, held, certain]) all.delete(id)
  }

  function takeCertain(): Sweep['left'] {
    const left: Sweep['left'][number][] = []
    for (const [id, leaving] of certain) {
      if (left.length === mostPerSweep) break
      const lost = get(id)
      forget(id)
      if (lost !== undefined) left.push({ target: lost.target, leaving })
    }
    return left
  }

  /**
   * How many leave unannounced, together with `due` that would do so now, in the worst stretch of one linger time that
   * has this moment in it. Who lingers is known to be on his way: of a mass loss not even the first may leave.
   */
  function most(due: number, now: number): number {
    let before = recent.reduce((sum, { count }) => sum + count, 0)
    let worst = before + due
    let dropped = 0
    let coming = 0
    for (const { until } of lingering.values()) {
      if (until <= now) continue
      coming++
      for (; recent[dropped] !== undefined && recent[dropped]!.at < until - lingerMs; dropped++)
        before -= recent[dropped]!.count
      worst = Math.max(worst, before + due + coming)
    }
    return worst
  }

  return {
    get,
    forget,
    lost: (target, now) => {
      const { id } = target.registration
      const known = get(id)
      if (known !== undefined) return known.target
      const served: Target = { ...target, state: 'lingering' }
      lingering.set(id, { target: served, lostAt: now, until: now + lingerMs })
      return served
    },
    prove: (id) => {
      const isLost = get(id) !== undefined
      if (isLost) certain.set(id, 'proven')
      return isLost
    },
    release: (ids) => {
      const released = ids === undefined ? [...held.keys()] : ids.filter((id) => held.has(id))
      for (const id of released) certain.set(id, 'released')
      return released
    },
    sweep: (now, size) => {
      recent = recent.filter(({ at }) => at > now - lingerMs)
      const left = [...takeCertain()]
      for (const { target } of takeDue(held, now)) left.push({ target, leaving: 'held' })
      const due = dueIn(lingering, now)
      if (due === 0) return { left, held: [] }
      // The list as it was when this stretch began.
      const base = size + recent.reduce((sum, one) => sum + one.left, 0)
      const isSuspect = most(due, now) > Math.max(fewLosses, Math.floor(usualShare * base))
      const over = takeDue(lingering, now)
      recent = [...recent, { at: now, count: over.length, left: isSuspect ? 0 : over.length }]
      if (!isSuspect) {
        for (const { target } of over) left.push({ target, leaving: 'lingered' })
        return { left, held: [] }
      }
      const kept = over.map(
        (lost): Lost => ({
          ...lost,
          target: { ...lost.target, state: 'held' },
          until: now + holdMs,
        }),
      )
      for (const one of kept) held.set(one.target.registration.id, one)
      return { left, held: kept.map(({ target }) => target) }
    },
    heldCount: () => held.size,
  }
}

function dueIn(all: ReadonlyMap<string, Lost>, now: number): number {
  let due = 0
  for (const { until } of all.values()) {
    if (until > now) break
    due++
  }
  return due
}

function takeDue(all: Map<string, Lost>, now: number): readonly Lost[] {
  const due: Lost[] = []
  for (const lost of all.values()) {
    if (lost.until > now || due.length === mostPerSweep) break
    due.push(lost)
  }
  for (const { target } of due) all.delete(target.registration.id)
  return due
}
