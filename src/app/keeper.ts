import { fingerprint } from './fingerprint.ts'

/**
 * Parts of one kind by name. A part stays the same object for as long as what it is made of stays the same, so that a
 * reload restarts only what has changed.
 */
export interface Keeper<T> {
  /** The part as it is, or a new one when `from` has changed. */
  keep(name: string, from: unknown, make: () => T): T
}

export function createKeeper<T>(): Keeper<T> {
  const kept = new Map<string, { readonly print: string; readonly part: T }>()
  return {
    keep: (name, from, make) => {
      const print = fingerprint(from)
      const known = kept.get(name)
      if (known?.print === print) return known.part
      const part = make()
      kept.set(name, { print, part })
      return part
    },
  }
}
