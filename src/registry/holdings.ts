import { addressKey, type Target } from '../model/target.ts'
import type { Standing } from '../targets/judge-put.ts'
import type { Eviction } from '../targets/target-report.ts'

/** A change of what is held. `why` it goes is told of a change that is made now, not of one that is read back. */
export type Change =
  | { readonly put: Target }
  | {
      readonly drop: string
      readonly why?: string
      /** Another registration has its address now. */
      readonly evictedBy?: string
    }

interface Ledger {
  get(id: string): Target | undefined
  ownerOf(key: string): string | undefined
  evictedLife(id: string): Eviction | undefined
}

/** What a registry holds: by id, in the order of the last change, and by address. */
export interface Holdings extends Ledger {
  targets(): Iterable<Target>
  size(): number
  apply(change: Change): void
  /** The same target in another state; its place in the order stays. */
  restate(target: Target): void
}

export function createHoldings(): Holdings {
  const byId = new Map<string, Target>()
  const owners = new Map<string, string>()
  const evicted = new Map<string, Eviction>()
  const evictions = new Map<string, string[]>()

  function remove(id: string): Target | undefined {
    const target = byId.get(id)
    if (target === undefined) return undefined
    byId.delete(id)
    const key = addressKey(target.registration)
    if (owners.get(key) === id) owners.delete(key)
    return target
  }

  /** The losers may come back once the winner has gone. */
  function forgive(winner: string): void {
    for (const loser of evictions.get(winner) ?? []) if (evicted.get(loser)?.by === winner) evicted.delete(loser)
    evictions.delete(winner)
  }

  return {
    get: (id) => byId.get(id),
    ownerOf: (key) => owners.get(key),
    evictedLife: (id) => evicted.get(id),
    targets: () => byId.values(),
    size: () => byId.size,
    restate: (target) => {
      byId.set(target.registration.id, target)
    },
    apply: (change) => {
      if ('put' in change) {
        const { id } = change.put.registration
        // Removed first, so that the map stays in the order of changes.
        remove(id)
        evicted.delete(id)
        byId.set(id, change.put)
        owners.set(addressKey(change.put.registration), id)
        return
      }
      const gone = remove(change.drop)
      forgive(change.drop)
      if (gone === undefined || change.evictedBy === undefined) return
      evicted.set(change.drop, { incarnation: gone.registration.incarnation, by: change.evictedBy })
      evictions.set(change.evictedBy, [...(evictions.get(change.evictedBy) ?? []), change.drop])
    },
  }
}

/** Changes that are decided but not yet durable, seen as if they were made. */
export interface Stage {
  standing(registration: Target['registration']): Standing
  get(id: string): Target | undefined
  add(change: Change): void
  readonly changes: readonly Change[]
}

export function createStage(base: Holdings): Stage {
  const changes: Change[] = []
  const byId = new Map<string, Target | undefined>()
  const owners = new Map<string, string | undefined>()
  const get = (id: string): Target | undefined => (byId.has(id) ? byId.get(id) : base.get(id))
  const ownerOf = (key: string): string | undefined => (owners.has(key) ? owners.get(key) : base.ownerOf(key))
  const release = (id: string): void => {
    const target = get(id)
    if (target === undefined) return
    const key = addressKey(target.registration)
    if (ownerOf(key) === id) owners.set(key, undefined)
    byId.set(id, undefined)
  }
  return {
    get,
    changes,
    standing: (registration) => {
      const same = get(registration.id)
      const ownerId = ownerOf(addressKey(registration))
      const owner = ownerId === undefined || ownerId === registration.id ? undefined : get(ownerId)
      const evicted = byId.has(registration.id) ? undefined : base.evictedLife(registration.id)
      return {
        ...(same === undefined ? {} : { same }),
        ...(owner === undefined ? {} : { owner }),
        ...(evicted === undefined ? {} : { evicted }),
      }
    },
    add: (change) => {
      changes.push(change)
      if ('put' in change) {
        const { id } = change.put.registration
        release(id)
        byId.set(id, change.put)
        owners.set(addressKey(change.put.registration), id)
      } else release(change.drop)
    },
  }
}
