import type { Found, Located, LocatedEntry, Path } from './located.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** `$${` stands for `${`; `${NAME}` and `${NAME:-default}` for a variable; any other `${` is a slip. */
const reference = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\})?/g

/**
 * Replaces references to environment variables in every text value. What stood in the file stays in `written`, so a
 * problem prints the reference and never the variable. The default also stands in for a variable that is empty.
 */
export function withReferences(
  root: Located,
  env: Environment,
): { readonly root: Located; readonly problems: readonly Found[] } {
  const problems: Found[] = []

  function replace(node: Located, path: Path): Located {
    if (node.kind === 'list')
      return { ...node, items: node.items.map((item, index) => replace(item, [...path, index])) }
    if (node.kind === 'map') {
      const entries = [...node.entries].map(([key, entry]): [string, LocatedEntry] => [
        key,
        { ...entry, node: replace(entry.node, [...path, key]) },
      ])
      return { ...node, entries: new Map(entries) }
    }
    if (typeof node.value !== 'string' || !node.value.includes('${')) return node
    const value = node.value.replace(reference, (match, name?: string, has?: string, fallback?: string) => {
      if (match === '$${') return '${'
      const text = name === undefined ? undefined : env[name]
      if (name === undefined) {
        problems.push({
          path,
          at: node.at,
          text: `a reference without name or end, expected "\${NAME}", or "$\${" for the text itself`,
        })
      } else if (text === undefined && has === undefined) {
        problems.push({
          path,
          at: node.at,
          text: `environment variable "${name}" is not set, expected a value or a default as in "\${${name}:-text}"`,
        })
      }
      return text !== undefined && (text !== '' || has === undefined) ? text : (fallback ?? '')
    })
    return { ...node, value }
  }

  return { root: replace(root, []), problems }
}
