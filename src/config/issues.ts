import type { z } from 'zod'
import { type Found, type Located, nodeAt, type Path, placeOf, placeOfKey } from './located.ts'
import { nearest } from './nearest.ts'
import { type Shape, shapeAt } from './shape.ts'

type Issue = z.core.$ZodIssue

/** What the schema found wrong, in our words: `value, what was expected`. The value of a secret is never printed. */
export function foundBySchema(issues: readonly Issue[], root: Located, shape: Shape): Found[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownOption(key, path, root, shape))
    return [{ path, at: placeOf(root, path), text: describe(issue, path, root, shape) }]
  })
}

function unknownOption(key: string, path: Path, root: Located, shape: Shape): Found {
  const known = [...(shapeAt(shape, path)?.keys?.keys() ?? [])]
  const meant = nearest(key, known)
  const hint = meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean "${meant}"?`
  return { path: [...path, key], at: placeOfKey(root, path, key), text: `unknown option, ${hint}` }
}

function describe(issue: Issue, path: Path, root: Located, shape: Shape): string {
  const node = writtenAt(root, path)
  const at = shapeAt(shape, path)
  const isList = at?.item !== undefined
  const shown = show(node, path, shape)
  if (node === undefined && at?.hint?.secret) return `missing, expected it or "${path.at(-1)}_file"`
  if (issue.code === 'custom') return node?.kind === 'map' || isList ? issue.message : `${shown}, ${issue.message}`
  if (issue.code === 'invalid_value') return `${shown}, expected ${oneOf(issue.values.map(String), node)}`
  if (at?.hint !== undefined && !(isList && issue.code === 'too_small')) return `${shown}, expected ${at.hint.expected}`
  if (issue.code === 'invalid_type') return `${shown}, expected ${types[issue.expected] ?? issue.expected}`
  if (issue.code === 'too_small' && isList) return `empty, expected at least ${many(Number(issue.minimum))}`
  if (issue.code === 'too_big' && isList) return `too long, expected at most ${many(Number(issue.maximum))}`
  if (issue.code === 'too_small') return `${shown}, expected at least ${issue.minimum}`
  if (issue.code === 'too_big') return `${shown}, expected at most ${issue.maximum}`
  return `${shown}, ${issue.message}`
}

/** What is written at a path; for an entry of a list that was written as one text, that text. */
function writtenAt(root: Located, path: Path): Located | undefined {
  const node = nodeAt(root, path)
  const around = typeof path.at(-1) === 'number' ? nodeAt(root, path.slice(0, -1)) : undefined
  return node ?? (around?.kind === 'scalar' ? around : undefined)
}

const types: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
}

function many(count: number): string {
  return count === 1 ? 'one entry' : `${count} entries`
}

function oneOf(words: readonly string[], node: Located | undefined): string {
  const meant = node?.kind === 'scalar' ? nearest(node.written, words) : undefined
  return `${words.length === 1 ? '' : 'one of '}${words.join(', ')}${meant === undefined ? '' : `; did you mean "${meant}"?`}`
}

/** A value as a problem may print it: references as written, secrets hidden, and no text where a mapping belongs. */
function show(node: Located | undefined, path: Path, shape: Shape): string {
  if (node === undefined) return 'missing'
  if (node.kind === 'map') return 'a mapping'
  if (node.kind === 'list') return 'a list'
  if (node.value === null) return 'empty'
  const isSecret = path.some((_, index) => shapeAt(shape, path.slice(0, index + 1))?.hint?.secret === true)
  if (isSecret) return '<secret>'
  const at = shapeAt(shape, path)
  if (at?.keys !== undefined || at?.item !== undefined)
    return typeof node.value === 'string' ? 'text' : `a ${typeof node.value}`
  if (typeof node.value !== 'string') return node.written
  return JSON.stringify(node.written.length > 80 ? `${node.written.slice(0, 80)}…` : node.written)
}
