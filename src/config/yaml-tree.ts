import { isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair, type ParsedNode, type YAMLMap } from 'yaml'
import type { Found, Located, LocatedEntry, Path, Place } from './located.ts'

/** Levels of mappings and lists; nothing of ours comes near. */
export const MAX_DEPTH = 64
/** Values once aliases are followed: a bomb of a few lines ends here. */
const MAX_VALUES = 50_000

export interface ParsedYaml {
  /** Absent when the problems leave nothing that could be checked further. */
  readonly root?: Located
  readonly problems: readonly Found[]
}

/** Turns the parser's tree into ours, following aliases within limits; reports what is YAML but no configuration. */
export function readTree(contents: ParsedNode, place: (offset: number) => Place): ParsedYaml {
  const problems: Found[] = []
  const anchors = new Map<string, Node>()
  let values = 0
  let exhausted = false

  function report(path: Path, node: unknown, text: string): void {
    problems.push({ path, at: placeOf(node), text })
  }

  function placeOf(node: unknown): Place {
    return place((isNode(node) ? node.range?.[0] : undefined) ?? 0)
  }

  function read(node: unknown, path: Path): Located {
    const at = placeOf(node)
    if (++values > MAX_VALUES || path.length > MAX_DEPTH) {
      if (!exhausted)
        report([], node, `more than ${MAX_VALUES} values or ${MAX_DEPTH} levels once aliases are followed`)
      exhausted = true
    }
    if (exhausted) return nothing(at)
    if (isAlias(node)) return follow(node.source, node, path)
    if (isNode(node) && node.anchor !== undefined) anchors.set(node.anchor, node)
    if (isMap(node)) return readMap(node, path, at)
    if (isSeq(node)) return { kind: 'list', at, items: node.items.map((item, index) => read(item, [...path, index])) }
    return readScalar(node, at)
  }

  function follow(name: string, node: Node, path: Path): Located {
    const target = anchors.get(name)
    if (target !== undefined) return read(target, path)
    report(path, node, 'an alias without its anchor, expected a value that starts with "*" in quotes')
    return nothing(placeOf(node))
  }

  function readMap(node: YAMLMap, path: Path, at: Place): Located {
    const entries = new Map<string, LocatedEntry>()
    for (const pair of node.items) {
      const key = keyOf(pair, path)
      if (key === undefined) continue
      if (entries.has(key)) report([...path, key], pair.key, 'given twice, expected once')
      else entries.set(key, { at: placeOf(pair.key), node: readValue(pair, [...path, key]) })
    }
    return { kind: 'map', at, entries }
  }

  function readValue(pair: Pair, path: Path): Located {
    return isNode(pair.value) ? read(pair.value, path) : nothing(placeOf(pair.key))
  }

  function keyOf(pair: Pair, path: Path): string | undefined {
    const key = isScalar(pair.key) ? pair.key.value : undefined
    if (typeof key === 'string' && key !== '__proto__') return key
    report(
      path,
      pair.key,
      key === '__proto__' ? 'the key "__proto__" is refused' : 'a key that is not text, expected the name of an option',
    )
    return undefined
  }

  const root = read(contents, [])
  return exhausted ? { problems } : { root, problems }
}

function readScalar(node: unknown, at: Place): Located {
  const value: unknown = isScalar(node) ? node.value : null
  const written = isScalar(node) && node.source !== undefined ? node.source : String(value)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return { kind: 'scalar', at, value, written }
  }
  return nothing(at)
}

function nothing(at: Place): Located {
  return { kind: 'scalar', at, value: null, written: '' }
}
