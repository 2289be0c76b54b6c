/** Remembers what it made of the last thing it was given. */
export function latest<K, V>(make: (key: K) => V): (key: K) => V {
  let last: { readonly key: K; readonly made: V } | undefined
  return (key) => {
    if (last === undefined || last.key !== key) last = { key, made: make(key) }
    return last.made
  }
}
