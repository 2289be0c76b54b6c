import { resolve } from 'node:path'
import type { Found, Located, LocatedEntry, LocatedMap, Path } from './located.ts'
import { type FileText, readTextFile } from './read-file.ts'
import type { Shape } from './shape.ts'

/**
 * Follows the options that name files: the text of `<name>_file` becomes the value of the secret `<name>`, and every
 * other file is checked and named by its whole path. Relative paths start at `directory`.
 */
export function withFiles(
  root: Located,
  shape: Shape,
  directory: string,
): { readonly root: Located; readonly problems: readonly Found[] } {
  const problems: Found[] = []

  function visit(node: Located, at: Shape, path: Path): Located {
    const { item } = at
    if (node.kind === 'list' && item !== undefined)
      return { ...node, items: node.items.map((child, index) => visit(child, item, [...path, index])) }
    if (node.kind === 'map' && at.keys !== undefined) return visitMap(node, at.keys, path)
    if (node.kind === 'scalar' && at.hint?.file !== undefined && typeof node.value === 'string') {
      open(node.value, at.hint.file === 'private', node, path)
      return { ...node, value: resolve(directory, node.value) }
    }
    return node
  }

  function visitMap(node: LocatedMap, keys: ReadonlyMap<string, Shape>, path: Path): Located {
    const entries = new Map<string, LocatedEntry>()
    for (const [key, entry] of node.entries) {
      const at = keys.get(key)
      const secret = key.endsWith('_file') ? key.slice(0, -'_file'.length) : ''
      if (keys.get(secret)?.hint?.secret === true) {
        if (node.entries.has(secret))
          problems.push({
            path: [...path, key],
            at: entry.at,
            text: `given beside "${secret}", expected only one of them`,
          })
        else entries.set(secret, { ...entry, node: secretFrom(entry.node, [...path, key]) })
      } else entries.set(key, at === undefined ? entry : { ...entry, node: visit(entry.node, at, [...path, key]) })
    }
    return { ...node, entries }
  }

  /** The content of a secret file, without the line end that editors add; "?" stands in for one with a problem. */
  function secretFrom(node: Located, path: Path): Located {
    const name = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined
    if (name === undefined) problems.push({ path, at: node.at, text: 'expected the path of a file' })
    const found = name === undefined ? undefined : open(name, true, node, path)
    const text = found !== undefined && 'text' in found ? found.text.replace(/\r?\n$/, '') : '?'
    if (text === '') problems.push({ path, at: node.at, text: 'the file is empty, expected a secret in it' })
    return { kind: 'scalar', at: node.at, value: text || '?', written: '' }
  }

  function open(name: string, isPrivate: boolean, node: Located, path: Path): FileText {
    const found = readTextFile(resolve(directory, name), isPrivate)
    const written = node.kind === 'scalar' ? node.written : name
    if ('problem' in found)
      problems.push({
        path,
        at: node.at,
        text: `${JSON.stringify(written)}, expected a readable file: ${found.problem}`,
      })
    return found
  }

  return { root: visit(root, shape, []), problems }
}
