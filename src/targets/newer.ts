import { compareLives } from '../model/registration.ts'
import type { Target } from '../model/target.ts'

/**
 * Of two entries of one id, whether the first is the newer life. Numbers decide; an identity that has both kinds of
 * incarnation at once goes with the number, so that the order is a total one.
 */
export function isNewerLife(coming: Target, present: Target): boolean {
  const [a, b] = [coming.registration, present.registration]
  if (isDecimal(a.incarnation) !== isDecimal(b.incarnation)) return isDecimal(a.incarnation)
  const life = isDecimal(a.incarnation) ? compareLives(a.incarnation, b) : 'same'
  return life === 'same' ? isNewerOwner(coming, present) : life === 'newer'
}

/** Of two entries of one source, whether the first is the newer owner: who shows signs of life, then who came later. */
export function isNewerOwner(coming: Target, present: Target): boolean {
  const isAlive = coming.state === 'listed'
  if (isAlive !== (present.state === 'listed')) return isAlive
  return coming.order > present.order
}

function isDecimal(incarnation: string): boolean {
  return /^\d+$/.test(incarnation)
}
