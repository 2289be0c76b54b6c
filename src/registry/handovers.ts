import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Held } from '../targets/member-document.ts'
import type { Over } from './notice.ts'

/** What ended a registration at another replica, or brought it here. */
export interface Handover {
  readonly id: string
  readonly from: Held
  /**
   * The mark of its end stands in the znode of the replica that had it, which finds it there for as long as its session
   * lasts.
   */
  readonly isMarked: boolean
}

/**
 * Which replicas have to be told that registrations of theirs are over. One that lives sees that for itself; one that is
 * away, or that we do not see any more a moment later, may come back with its journal. So what went from hand to hand is
 * remembered for as long as it may take until we notice that somebody is not there.
 */
export interface Handovers {
  note(handover: Handover): void
  /** Its end was announced. Nothing is left of it that whoever had it a moment ago could see when it wakes up. */
  end(id: string): void
  /** Somebody has come or gone. */
  review(): Promise<void>
  /** To be called often: what is old enough is forgotten, or must be told. */
  expire(): void
  hasDue(): boolean
  /** By replica. */
  due(): ReadonlyMap<string, Over>
  told(holder: string, records: Iterable<number>): void
}

export interface HandoversDeps {
  /** undefined: we do not know, as while we see no replica at all. */
  readonly isPresent: (holder: string) => boolean | undefined
  /** Longer than it takes to notice that a replica is gone. */
  readonly windowMs: () => number
  readonly clock: Clock
  readonly logger: Logger
}

/** Of each, those that wait and those that are due. */
const mostHandovers = 100_000
/** Of each call, which must not take long. */
const mostExpired = 10_000

interface Recent {
  readonly record: number
  readonly holder: string
  readonly isMarked: boolean
  readonly at: number
}

export function createHandovers({ isPresent, windowMs, clock, logger }: HandoversDeps): Handovers {
  /** By id; the map is in the order of the last handover. */
  const recent = new Map<string, readonly Recent[]>()
  const due = new Map<string, Map<number, string>>()
  let dueCount = 0
  let isDropping = false

  function mustTell({ holder, record }: Pick<Recent, 'holder' | 'record'>, id: string): void {
    const some = due.get(holder) ?? new Map<number, string>()
    if (!some.has(record)) dueCount++
    some.set(record, id)
    due.set(holder, some)
    if (dueCount > mostHandovers) dropOldest()
  }

  function dropOldest(): void {
    const [holder, some] = [...due].find(([, words]) => words.size > 0) ?? []
    const [record] = some?.keys() ?? []
    if (holder === undefined || record === undefined) return
    noteDrop()
    told(holder, [record])
  }

  function noteDrop(): void {
    if (!isDropping)
      logger.warn(
        { most: mostHandovers },
        'Too many registrations went from replica to replica: one that comes back may list some that have ended',
      )
    isDropping = true
  }

  function told(holder: string, records: Iterable<number>): void {
    const some = due.get(holder)
    for (const record of records) if (some?.delete(record) === true) dueCount--
    if (some?.size === 0) due.delete(holder)
    if (dueCount === 0) isDropping = false
  }

  function sift(isOver: (one: Recent) => boolean, id: string, all: readonly Recent[]): void {
    const left = all.filter((one) => !isOver(one))
    if (left.length === all.length) return
    for (const one of all) if (isOver(one)) mustTell(one, id)
    if (left.length === 0) recent.delete(id)
    else recent.set(id, left)
  }

  return {
    note: ({ id, from: { holder, record }, isMarked }) => {
      // Who keeps no journal brings nothing back.
      if (record === undefined) return
      if (isPresent(holder) === false) {
        mustTell({ holder, record }, id)
        return
      }
      const others = (recent.get(id) ?? []).filter((one) => one.holder !== holder)
      recent.delete(id)
      recent.set(id, [...others, { record, holder, isMarked, at: clock.monotonic() }])
      const [oldest] = recent.keys()
      if (recent.size > mostHandovers && oldest !== undefined) {
        noteDrop()
        recent.delete(oldest)
      }
    },
    end: (id) => sift(({ isMarked }) => !isMarked, id, recent.get(id) ?? []),
    review: async () => {
      const breathe = breather()
      const isPresentNow = remembering(isPresent)
      for (const id of [...recent.keys()]) {
        sift(({ holder }) => isPresentNow(holder) === false, id, recent.get(id) ?? [])
        await breathe()
      }
    },
    expire: () => {
      const before = clock.monotonic() - windowMs()
      const isPresentNow = remembering(isPresent)
      let expired = 0
      for (const [id, all] of recent) {
        if ((all.at(-1)?.at ?? 0) > before || ++expired > mostExpired) return
        for (const one of all) if (isPresentNow(one.holder) !== true) mustTell(one, id)
        recent.delete(id)
      }
    },
    hasDue: () => dueCount > 0,
    due: () => due,
    told,
  }
}

/** Asks about each only once: there are three of them, and a hundred thousand handovers. */
function remembering(ask: HandoversDeps['isPresent']): HandoversDeps['isPresent'] {
  const answers = new Map<string, boolean | undefined>()
  return (holder) => {
    if (!answers.has(holder)) answers.set(holder, ask(holder))
    return answers.get(holder)
  }
}
