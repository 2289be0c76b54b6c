import { hashOf } from '../model/text-hash.ts'

/** When each reporter is read next: each has its own place in the interval, so that they do not come all at once. */
export interface PageTimetable {
  /** To be read as soon as there is room, and from then on at its place in the interval. */
  add(id: string): void
  remove(id: string): void
  /** What is to be read by `now`: newcomers first, then who has waited longest. Each is given out once. */
  due(now: number): readonly string[]
  /** It was read, or not; only now can it come again: at its place, or after `soonMs` when that is sooner. */
  done(id: string, now: number, soonMs?: number): void
  /** When somebody is due next; infinity when nobody is. */
  nextAt(): number
}

export function createPageTimetable(intervalMs: number): PageTimetable {
  const dueAt = new Map<string, number>()
  return {
    add: (id) => void dueAt.set(id, Number.NEGATIVE_INFINITY),
    remove: (id) => void dueAt.delete(id),
    due: (now) => {
      const due: (readonly [string, number])[] = []
      for (const entry of dueAt) if (entry[1] <= now) due.push(entry)
      due.sort(([, a], [, b]) => (a === b ? 0 : a - b))
      for (const [id] of due) dueAt.set(id, Number.POSITIVE_INFINITY)
      return due.map(([id]) => id)
    },
    done: (id, now, soonMs = Number.POSITIVE_INFINITY) => {
      if (!dueAt.has(id)) return
      const place = placeOf(id) * intervalMs
      // At least half an interval later; after the first time it is a whole one.
      const turns = Math.ceil((now + intervalMs / 2 - place) / intervalMs)
      dueAt.set(id, Math.min(place + turns * intervalMs, now + soonMs))
    },
    nextAt: () => {
      let next = Number.POSITIVE_INFINITY
      for (const at of dueAt.values()) if (at < next) next = at
      return next
    },
  }
}

/** From 0 to below 1, always the same for one id. */
function placeOf(id: string): number {
  let hash = hashOf(id)
  // The last characters hardly reach the upper bits yet.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return ((hash ^ (hash >>> 12)) >>> 0) / 2 ** 32
}
