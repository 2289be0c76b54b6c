import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The paths that a pattern stands for, sorted: `*` and `?` within a name, `**` for any number of folders. A pattern
 * without any of these is a path, there or not.
 */
export function expandGlob(pattern: string): readonly string[] {
  if (!/[*?]/.test(pattern)) return [pattern]
  const parts = pattern.split('/')
  const first = parts.findIndex((part) => /[*?]/.test(part))
  const base = parts.slice(0, first).join('/')
  const found = walk(base === '' && pattern.startsWith('/') ? '/' : base, parts.slice(first))
  return [...new Set(found)].sort()
}

function walk(folder: string, [part, ...rest]: readonly string[]): readonly string[] {
  if (part === undefined) return []
  const entries = entriesOf(folder === '' ? '.' : folder)
  if (part === '**') {
    const deeper = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    return [...walk(folder, rest), ...deeper.flatMap(({ name }) => walk(join(folder, name), [part, ...rest]))]
  }
  const form = new RegExp(
    `^${part
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')}$`,
  )
  const named = entries.filter(({ name }) => form.test(name) && (!name.startsWith('.') || part.startsWith('.')))
  if (rest.length === 0) return named.filter((entry) => !entry.isDirectory()).map(({ name }) => join(folder, name))
  return named.filter((entry) => !entry.isFile()).flatMap(({ name }) => walk(join(folder, name), rest))
}

/** Folders that cannot be read have nothing in them that anybody could mean. */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
