import type { Located, LocatedScalar } from './located.ts'
import type { Shape } from './shape.ts'

/** The plain value for the schema. Of an unknown option only its name matters. */
export function plain(node: Located, shape: Shape | undefined): unknown {
  if (node.kind === 'list') return node.items.map((item) => plain(item, shape?.item))
  if (node.kind === 'scalar') return scalar(node, shape)
  const at = (key: string): Shape | undefined => shape?.keys?.get(key) ?? shape?.values
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.node, at(key))]))
}

/**
 * YAML guesses types from looks; the schema knows better. A text option takes `12345` or `on` as written, so a numeric
 * password needs no quotes, and a number or truth value may come from an environment variable, which is always text.
 */
function scalar({ value, written }: LocatedScalar, shape: Shape | undefined): unknown {
  if (shape?.hint !== undefined && shape.item === undefined) return value === null ? null : textOf(value, written)
  if (typeof value !== 'string' || value === written) return value
  if (shape?.type === 'number' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value)
  if (shape?.type === 'boolean' && /^(true|false)$/.test(value)) return value === 'true'
  return value
}

function textOf(value: string | number | boolean, written: string): string {
  return typeof value === 'string' ? value : written
}
