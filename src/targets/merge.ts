import { addressKey, type Target } from '../model/target.ts'
import { isNewerLife, isNewerOwner } from './newer.ts'

/** What is left when all sources are one list. */
export interface MergedTargets {
  /** In the order of the sources and their lists. */
  readonly targets: readonly Target[]
  /** How many were left out because another entry has their id or their address. */
  readonly duplicates: number
}

const entriesPerStep = 2_000

/**
 * All sources as one list, in which no id and then no address stands twice; a source alone must be such a list already.
 * The result does not depend on the order inside a source. Yields between steps of a few milliseconds.
 *
 * Of two entries of one id the newer life stays. Otherwise the one that shows signs of life stays, then the newer owner:
 * within a source the one that came later, between sources the one of the source that stands first, which by convention
 * is the registry.
 */
export function* mergeTargets(sources: readonly (readonly Target[])[]): Generator<void, MergedTargets> {
  const [only = [], ...others] = sources.filter((targets) => targets.length > 0)
  if (others.length === 0) return { targets: only, duplicates: 0 }
  const all = sources.flatMap((targets, source) => targets.map((target) => ({ target, source })))
  yield
  const lives = yield* keepOne(all, ({ target }) => target.registration.id, across(isNewerLife))
  const owners = yield* keepOne(lives, ({ target }) => addressKey(target.registration), across(isNewerOwner))
  const targets = owners.map(({ target }) => target)
  return { targets, duplicates: all.length - targets.length }
}

interface Placed {
  readonly target: Target
  /** Place of its source in the list of sources. */
  readonly source: number
}

function* keepOne(
  all: readonly Placed[],
  keyOf: (one: Placed) => string,
  isNewer: (coming: Placed, present: Placed) => boolean,
): Generator<void, readonly Placed[]> {
  const kept = new Map<string, Placed>()
  for (const [index, coming] of all.entries()) {
    if (index % entriesPerStep === 0) yield
    const key = keyOf(coming)
    const present = kept.get(key)
    if (present === undefined || isNewer(coming, present)) kept.set(key, coming)
  }
  yield
  return [...kept.values()]
}

/** The source counts only between entries that are alive or lost alike. */
function across(isNewer: (coming: Target, present: Target) => boolean) {
  return (coming: Placed, present: Placed): boolean => {
    // Entries of one source differ in their order; between sources the earlier one is as good as a greater order.
    const order = coming.source === present.source ? coming.target.order : present.source - coming.source
    const other = coming.source === present.source ? present.target.order : 0
    return isNewer({ ...coming.target, order }, { ...present.target, order: other })
  }
}
