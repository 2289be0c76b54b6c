/** Where a value was written: a place in the file, or the flag that gave it. */
export type Place = { readonly line: number; readonly column: number } | { readonly flag: string }

/** A value of the configuration that knows where it was written. */
export type Located = LocatedMap | LocatedList | LocatedScalar

export interface LocatedMap {
  readonly kind: 'map'
  readonly at: Place
  readonly entries: ReadonlyMap<string, LocatedEntry>
}

export interface LocatedEntry {
  /** Where the key stands. */
  readonly at: Place
  readonly node: Located
}

interface LocatedList {
  readonly kind: 'list'
  readonly at: Place
  readonly items: readonly Located[]
}

export interface LocatedScalar {
  readonly kind: 'scalar'
  readonly at: Place
  readonly value: string | number | boolean | null
  /** As written, before references were replaced: what a problem may print. */
  readonly written: string
}

export type Path = readonly (string | number)[]

/** Something wrong with the configuration. */
export interface Found {
  readonly path: Path
  readonly at: Place | undefined
  /** `value, what was expected` */
  readonly text: string
}

/** The node at a path; undefined when nothing is written there. */
export function nodeAt(root: Located, path: Path): Located | undefined {
  let node: Located | undefined = root
  for (const step of path) {
    if (typeof step === 'number') node = node?.kind === 'list' ? node.items[step] : undefined
    else node = node?.kind === 'map' ? node.entries.get(step)?.node : undefined
  }
  return node
}

/** Where the value at a path, or else the nearest thing around it, is written. */
export function placeOf(root: Located, path: Path): Place {
  for (let length = path.length; length > 0; length--) {
    const node = nodeAt(root, path.slice(0, length))
    if (node !== undefined) return node.at
  }
  return root.at
}

/** Where the key of an option is written. */
export function placeOfKey(root: Located, path: Path, key: string): Place {
  const node = nodeAt(root, path)
  return (node?.kind === 'map' ? node.entries.get(key)?.at : undefined) ?? placeOf(root, path)
}

/** The tree with `node` at a path of keys; mappings on the way are made, and anything but a mapping stays in the way. */
export function withNode(root: Located, path: readonly string[], node: Located): Located {
  const [key, ...rest] = path
  if (key === undefined) return node
  if (root.kind !== 'map') return root
  const inner = root.entries.get(key)?.node ?? { kind: 'map', at: node.at, entries: new Map() }
  return { ...root, entries: new Map(root.entries).set(key, { at: node.at, node: withNode(inner, rest, node) }) }
}

/** A plain value as a tree whose every part was written at `at`. */
export function located(value: unknown, at: Place): Located {
  if (Array.isArray(value)) return { kind: 'list', at, items: value.map((item) => located(item, at)) }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]): [string, LocatedEntry] => [
      key,
      { at, node: located(item, at) },
    ])
    return { kind: 'map', at, entries: new Map(entries) }
  }
  const known = typeof value === 'number' || typeof value === 'boolean' || value === null
  return { kind: 'scalar', at, value: known ? value : String(value), written: String(value) }
}
