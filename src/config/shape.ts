import { z } from 'zod'
import { type Hint, hints } from './hints.ts'

/** A schema as the loader and the reference see it: which options there are, and what each is. */
export interface Shape {
  /** Options of a mapping; absent for everything else. */
  readonly keys?: ReadonlyMap<string, Shape>
  /** Entries of a list; absent for everything else. */
  readonly item?: Shape
  /** Values of a mapping whose keys the user makes up; absent for everything else. */
  readonly values?: Shape
  /** The words that are allowed, when there are only some. */
  readonly words?: readonly string[]
  /** A number or a truth value; text options have a hint instead. */
  readonly type?: 'number' | 'boolean'
  readonly hint?: Hint
  /** The docstring of the option. */
  readonly description?: string
  /** As it would be written in the file; absent when the option has none. */
  readonly default?: unknown
  readonly isRequired: boolean
}

/** Reads the shape of a schema, through everything that zod wraps around it. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  const outside = { ...described(schema), ...hinted(schema) }
  if (schema instanceof z.ZodOptional) return { ...shapeOf(schema.unwrap()), ...outside, isRequired: false }
  if (schema instanceof z.ZodPrefault)
    return { ...shapeOf(schema.unwrap()), ...outside, default: schema.def.defaultValue, isRequired: false }
  if (schema instanceof z.ZodPipe)
    return { ...shapeOf(schema.in instanceof z.ZodTransform ? schema.out : schema.in), ...outside }
  if (schema instanceof z.ZodObject) return { keys: keysOf(schema), ...outside, isRequired: true }
  if (schema instanceof z.ZodRecord) return { values: shapeOf(schema.valueType), ...outside, isRequired: true }
  if (schema instanceof z.ZodArray) return { item: shapeOf(schema.element), ...outside, isRequired: true }
  if (schema instanceof z.ZodEnum) return { words: schema.options.map(String), ...outside, isRequired: true }
  if (schema instanceof z.ZodNumber) return { type: 'number', ...outside, isRequired: true }
  if (schema instanceof z.ZodBoolean) return { type: 'boolean', ...outside, isRequired: true }
  return { ...outside, isRequired: true }
}

/** The shape at a path, or undefined when the schema has no such option; numbers step into lists. */
export function shapeAt(shape: Shape, path: readonly (string | number)[]): Shape | undefined {
  let at: Shape | undefined = shape
  for (const step of path) at = typeof step === 'number' ? at?.item : (at?.keys?.get(step) ?? at?.values)
  return at
}

/** The options of an object; each secret is followed by the file that may hold it. */
function keysOf(schema: z.ZodObject): ReadonlyMap<string, Shape> {
  const keys = new Map<string, Shape>()
  for (const [name, member] of Object.entries(schema.shape)) {
    const shape = shapeOf(member)
    keys.set(name, shape)
    if (shape.hint?.secret) keys.set(`${name}_file`, secretFile(name))
  }
  return keys
}

function secretFile(name: string): Shape {
  return {
    description: `File that holds the ${name}, in place of \`${name}\`; a line end at its end is dropped.`,
    hint: { expected: 'the path of a file that only its owner can read', file: 'private' },
    isRequired: false,
  }
}

function described(schema: z.core.$ZodType): { description?: string } {
  const description = z.globalRegistry.get(schema)?.description
  return description === undefined ? {} : { description }
}

function hinted(schema: z.core.$ZodType): { hint?: Hint } {
  const hint = hints.get(schema)
  return hint === undefined ? {} : { hint }
}
