import { compareLives } from '../model/registration.ts'
import { addressKey, type Target } from '../model/target.ts'

/** What is left when all sources are one list. */
export interface MergedTargets {
  /** In the order of the sources and their lists. */
  readonly targets: readonly Target[]
  /** How many were left out because another entry has their id or their address. */
  readonly duplicates: number
}

const entriesPerStep = 2_000

/**
 * All sources as one list, in which no id and then no address stands twice; the result does not depend on the order
 * inside a source. Yields between steps of a few milliseconds.
 *
 * Of two entries of one id the newer life stays. Otherwise the one that shows signs of life stays, then the newer owner:
 * within a source the one that came later, between sources the one of the source that stands first, which by convention
 * is the registry.
 */
export function* mergeTargets(sources: readonly (readonly Target[])[]): Generator<void, MergedTargets> {
  const all = sources.flatMap((targets, source) => targets.map((target) => ({ target, source })))
  yield
  const lives = yield* keepOne(all, ({ target }) => target.registration.id, isNewerLife)
  const owners = yield* keepOne(lives, ({ target }) => addressKey(target.registration), isNewerOwner)
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

/** Numbers decide; an identity that has both kinds at once goes with the number, so that the order is a total one. */
function isNewerLife(coming: Placed, present: Placed): boolean {
  const [a, b] = [coming.target.registration, present.target.registration]
  if (isDecimal(a.incarnation) !== isDecimal(b.incarnation)) return isDecimal(a.incarnation)
  const life = isDecimal(a.incarnation) ? compareLives(a.incarnation, b) : 'same'
  return life === 'same' ? isNewerOwner(coming, present) : life === 'newer'
}

function isNewerOwner(coming: Placed, present: Placed): boolean {
  const isAlive = coming.target.state === 'listed'
  if (isAlive !== (present.target.state === 'listed')) return isAlive
  if (coming.source !== present.source) return coming.source < present.source
  return coming.target.order > present.target.order
}

function isDecimal(incarnation: string): boolean {
  return /^\d+$/.test(incarnation)
}
