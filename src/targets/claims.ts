import { addressKey, type Target } from '../model/target.ts'
import { isNewerLife, isNewerOwner } from './newer.ts'

/**
 * Who is listed when several entries claim one identity or one address: kept up to date claim by claim, so that a change
 * among many thousands costs no more than itself.
 */
export interface Claims {
  /** The entry at a place, such as the path of a znode, is now this; undefined takes it away. True when the list changed. */
  set(place: string, target: Target | undefined): boolean
  at(place: string): Target | undefined
  /** The life that counts for an id, listed or not. */
  lifeOf(id: string): Target | undefined
  /** Who is listed at an address. */
  ownerOf(key: string): Target | undefined
  /** What is listed: no id and no address twice. */
  winners(): Iterable<Target>
  /** How many are listed. */
  size(): number
  /** How many claims are not listed because another one is. */
  losers(): number
}

/** The place of somebody whose own place, such as a znode, is gone: no path of a znode. */
export function lostPlace(id: string): string {
  return `lost ${id}`
}

export function createClaims(): Claims {
  const places = new Map<string, Target>()
  const placesOfId = new Map<string, readonly string[]>()
  const lives = new Map<string, Target>()
  const idsAtKey = new Map<string, readonly string[]>()
  const owners = new Map<string, Target>()

  function settleId(id: string): readonly string[] {
    const before = lives.get(id)
    const claims = (placesOfId.get(id) ?? []).flatMap((place) => places.get(place) ?? [])
    const after = best(claims, isNewerLife)
    if (after === before) return []
    const keys = [before, after].flatMap((one) => (one === undefined ? [] : [addressKey(one.registration)]))
    if (before !== undefined) change(idsAtKey, keys[0]!, (ids) => ids.filter((one) => one !== id))
    if (after === undefined) lives.delete(id)
    else {
      lives.set(id, after)
      change(idsAtKey, keys.at(-1)!, (ids) => ids.concat(id))
    }
    return keys
  }

  function settleKey(key: string): boolean {
    const before = owners.get(key)
    const claims = (idsAtKey.get(key) ?? []).flatMap((id) => lives.get(id) ?? [])
    const after = best(claims, isNewerOwner)
    if (after === before) return false
    // Deleted first, so that the order of the list is the order of changes.
    owners.delete(key)
    if (after !== undefined) owners.set(key, after)
    return true
  }

  return {
    set: (place, target) => {
      const before = places.get(place)
      if (before === target) return false
      if (target === undefined) places.delete(place)
      else places.set(place, target)
      const ids = new Set([before, target].flatMap((one) => (one === undefined ? [] : [one.registration.id])))
      if (before !== undefined) change(placesOfId, before.registration.id, (all) => all.filter((one) => one !== place))
      if (target !== undefined) change(placesOfId, target.registration.id, (all) => all.concat(place))
      const keys = new Set([...ids].flatMap(settleId))
      return [...keys].map(settleKey).includes(true)
    },
    at: (place) => places.get(place),
    lifeOf: (id) => lives.get(id),
    ownerOf: (key) => owners.get(key),
    winners: () => owners.values(),
    size: () => owners.size,
    losers: () => places.size - owners.size,
  }
}

function best(claims: readonly Target[], isNewer: (coming: Target, present: Target) => boolean): Target | undefined {
  let found = claims[0]
  for (const claim of claims) if (found !== undefined && isNewer(claim, found)) found = claim
  return found
}

/** `how` with `concat`: a list that is spread has room for sixteen more, and most of these have one entry for ever. */
function change(
  map: Map<string, readonly string[]>,
  key: string,
  how: (list: readonly string[]) => readonly string[],
): void {
  const list = how(map.get(key) ?? [])
  if (list.length === 0) map.delete(key)
  else map.set(key, list)
}
