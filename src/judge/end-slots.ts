/** When the log ends of one cycle were read, in monotonic milliseconds: every end was so at some moment in between. */
export interface EndMoment {
  readonly askedAt: number
  readonly readAt: number
}

/** The moments of a history in their order, and in which column of it the log ends of each lie. */
export interface EndSlots {
  /** Columns that a history of this size has. */
  readonly capacity: number
  /** Ascending; `column[i]` belongs to `moments[i]`. */
  readonly moments: readonly EndMoment[]
  readonly column: readonly number[]
}

/** Moments older than this tell nothing that a forecast or a page would need. */
const MOST_AGE_MS = 7 * 24 * 3_600_000

export function emptySlots(capacity: number): EndSlots {
  return { capacity, moments: [], column: [] }
}

/**
 * Adds a moment; when all columns are taken, the moment whose loss blurs least goes. What is lost is the knowledge of when
 * an offset was passed, and it matters in proportion to how long ago that was: the gap that would be left, as a share of
 * its age, is smallest for the one to go. So the last minutes stay dense and older ones thin out by themselves. The first
 * moment stays until it is a week old, for how far back the history reaches.
 */
export function addMoment(slots: EndSlots, moment: EndMoment): EndSlots {
  const kept = withoutOld(slots, moment.readAt)
  const full = kept.moments.length >= kept.capacity ? withoutOne(kept, leastMissed(kept.moments, moment)) : kept
  return { ...full, moments: [...full.moments, moment], column: [...full.column, freeColumn(full)] }
}

/** Drops moments until they fit into fewer columns. */
export function shrinkSlots(slots: EndSlots, capacity: number, now: number): EndSlots {
  let kept: EndSlots = slots
  while (kept.moments.length > capacity)
    kept = withoutOne(kept, leastMissed(kept.moments, { askedAt: now, readAt: now }))
  return { ...kept, capacity }
}

function withoutOld(slots: EndSlots, now: number): EndSlots {
  const first = slots.moments[0]
  return first !== undefined && now - first.readAt > MOST_AGE_MS ? withoutOld(withoutOne(slots, 0), now) : slots
}

function withoutOne({ capacity, moments, column }: EndSlots, index: number): EndSlots {
  return { capacity, moments: moments.toSpliced(index, 1), column: column.toSpliced(index, 1) }
}

function leastMissed(moments: readonly EndMoment[], next: EndMoment): number {
  let least = 0
  let leastShare = Number.POSITIVE_INFINITY
  for (let index = 1; index < moments.length; index++) {
    const before = moments[index - 1]!.askedAt
    const after = (moments[index + 1] ?? next).readAt
    const share = (after - before) / (next.readAt - before)
    if (share >= leastShare) continue
    leastShare = share
    least = index
  }
  return least
}

function freeColumn({ capacity, column }: EndSlots): number {
  const taken = new Set(column)
  for (let free = 0; free < capacity; free++) if (!taken.has(free)) return free
  return 0
}
