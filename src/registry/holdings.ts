import { addressKey, type Target } from '../model/target.ts'
import type { Standing } from '../targets/judge-put.ts'
import type { Eviction } from '../targets/target-report.ts'

/** A change of what is held. `why` it goes is told of a change that is made now, not of one that is read back. */
export type Change =
  | { readonly put: Target }
  | {
      readonly drop: string
      readonly why?: string
      /** Another registration has its address now; `order` is that of the change. */
      readonly evicted?: Eviction & { readonly order: number }
    }

interface Ledger {
  get(id: string): Target | undefined
  ownerOf(key: string): string | undefined
  evictedLife(id: string): Eviction | undefined
}

/** What a registry holds: by id, in the order of the last change, and by address. */
export interface Holdings extends Ledger {
  targets(): Iterable<Target>
  /** Who lost its address to somebody who is there, in the order of the changes. */
  evictions(): Iterable<{ readonly id: string; readonly evicted: Eviction & { readonly order: number } }>
  size(): number
  apply(change: Change): void
  /** The same target in another state; its place in the order stays. */
  restate(target: Target): void
}

export function createHoldings(): Holdings {
  const byId = new Map<string, Target>()
  const owners = new Map<string, string>()
  const evicted = new Map<string, Eviction & { readonly order: number }>()
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
    evictions: function* () {
      for (const [id, one] of evicted) yield { id, evicted: one }
    },
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
      remove(change.drop)
      forgive(change.drop)
      if (change.evicted === undefined) return
      const { by } = change.evicted
      // Deleted first, so that the map stays in the order of changes.
      evicted.delete(change.drop)
      evicted.set(change.drop, change.evicted)
      evictions.set(by, [...(evictions.get(by) ?? []), change.drop])
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
  const evicted = new Map<string, Eviction>()
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
      const lost = byId.has(registration.id) ? evicted.get(registration.id) : base.evictedLife(registration.id)
      return {
        ...(same === undefined ? {} : { same }),
        ...(owner === undefined ? {} : { owner }),
        ...(lost === undefined ? {} : { evicted: lost }),
      }
    },
    add: (change) => {
      changes.push(change)
      if ('put' in change) {
        const { id } = change.put.registration
        release(id)
        evicted.delete(id)
        byId.set(id, change.put)
        owners.set(addressKey(change.put.registration), id)
        return
      }
      release(change.drop)
      if (change.evicted !== undefined) evicted.set(change.drop, change.evicted)
    },
  }
}
