/**
 * The map that follows `before` when some keys were written and others are gone; `before` stays as it was. It costs what
 * has changed since the last plain map and not the size of the whole: ten views a second of fifty thousand znodes would
 * be mostly copying otherwise.
 */
export function succeed<K, V>(
  before: ReadonlyMap<K, V>,
  written: ReadonlyMap<K, V>,
  gone: Iterable<K>,
): ReadonlyMap<K, V> {
  const layers = before instanceof LayeredMap ? before.layers() : { base: before, over: new Map<K, Entry<V>>() }
  const over = new Map<K, Entry<V>>(layers.over)
  for (const key of gone) over.set(key, undefined)
  for (const [key, value] of written) over.set(key, { value })
  return over.size > layers.base.size / 4 ? flat(layers.base, over) : new LayeredMap(layers.base, over)
}

/** A copy of a whole map is quick; the same through its entries would hold the event loop at a hundred thousand. */
function flat<K, V>(base: ReadonlyMap<K, V>, over: ReadonlyMap<K, Entry<V>>): ReadonlyMap<K, V> {
  const all = new Map(base)
  for (const [key, entry] of over) {
    if (entry === undefined) all.delete(key)
    else all.set(key, entry.value)
  }
  return all
}

/** undefined: the key is gone. */
type Entry<V> = { readonly value: V } | undefined

/** A plain map below, what has changed since above it. */
class LayeredMap<K, V> implements ReadonlyMap<K, V> {
  readonly size: number
  readonly #base: ReadonlyMap<K, V>
  readonly #over: ReadonlyMap<K, Entry<V>>

  constructor(base: ReadonlyMap<K, V>, over: ReadonlyMap<K, Entry<V>>) {
    this.#base = base
    this.#over = over
    let size = base.size
    for (const [key, entry] of over) size += Number(entry !== undefined) - Number(base.has(key))
    this.size = size
  }

  layers() {
    return { base: this.#base, over: this.#over }
  }

  get(key: K): V | undefined {
    return this.#over.has(key) ? this.#over.get(key)?.value : this.#base.get(key)
  }

  has(key: K): boolean {
    return this.#over.has(key) ? this.#over.get(key) !== undefined : this.#base.has(key)
  }

  *entries(): MapIterator<[K, V]> {
    for (const entry of this.#base) if (!this.#over.has(entry[0])) yield entry
    for (const [key, entry] of this.#over) if (entry !== undefined) yield [key, entry.value]
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  forEach(call: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) call(value, key, this)
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }
}
