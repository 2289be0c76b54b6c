import { addressKey, type Target } from '../model/target.ts'

/** The registrations of this replica, by id and by address. */
export interface OwnIndex {
  get(id: string): Target | undefined
  at(key: string): Target | undefined
  ids(): readonly string[]
  set(id: string, target: Target | undefined): void
  clear(): void
}

export function createOwnIndex(): OwnIndex {
  const byId = new Map<string, Target>()
  const idAt = new Map<string, string>()
  return {
    get: (id) => byId.get(id),
    at: (key) => byId.get(idAt.get(key) ?? ''),
    ids: () => [...byId.keys()],
    set: (id, target) => {
      const before = byId.get(id)
      const key = before === undefined ? undefined : addressKey(before.registration)
      if (key !== undefined && idAt.get(key) === id) idAt.delete(key)
      if (target === undefined) byId.delete(id)
      else {
        byId.set(id, target)
        idAt.set(addressKey(target.registration), id)
      }
    },
    clear: () => {
      byId.clear()
      idAt.clear()
    },
  }
}
