import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { ConfigError } from '../runtime/errors.ts'
import { withFiles } from './files.ts'
import { foundBySchema } from './issues.ts'
import { type Found, type Located, located, type Path, type Place, withNode } from './located.ts'
import { plain } from './plain.ts'
import { readTextFile } from './read-file.ts'
import { type Environment, withReferences } from './references.ts'
import { shapeOf } from './shape.ts'
import { parseYaml } from './yaml-text.ts'

/** A value that a flag lays over the file. */
export interface Overlay {
  /** Names of options from the outside in. */
  readonly path: readonly string[]
  readonly value: unknown
  /** Printed as the place of a problem, such as `--interval`. */
  readonly flag: string
  /** The flag takes the place of the option, so a file that has it too is refused. */
  readonly excludesFile?: true
}

export interface ConfigSource {
  readonly file?: string | undefined
  /** The text itself, when there is no file. */
  readonly text?: string | undefined
  readonly env: Environment
  readonly overlay?: readonly Overlay[]
}

/**
 * Reads, completes and checks a configuration: YAML 1.2, `${NAME}` references, `<secret>_file` options, then the schema.
 *
 * @throws ConfigError with every problem at once, each as `file: path (line:column): value, what was expected`.
 */
export function loadConfig<S extends z.ZodType>(schema: S, source: ConfigSource): z.output<S> {
  const { text, name } = textOf(source)
  const parsed = parseYaml(text)
  if (parsed.root === undefined) throw new ConfigError(inOrder(parsed.problems).map((one) => format(one, name)))

  const shape = shapeOf(schema)
  const overlaid = withOverlay(parsed.root, source.overlay ?? [])
  const referenced = withReferences(overlaid.root, source.env)
  const directory = source.file === undefined ? process.cwd() : dirname(resolve(source.file))
  const complete = withFiles(referenced.root, shape, directory)
  const inValues = [...referenced.problems, ...complete.problems]
  const early = [...parsed.problems, ...overlaid.problems, ...inValues]

  const result = schema.safeParse(plain(complete.root, shape))
  if (result.success && early.length === 0) return result.data
  const late = result.success ? [] : foundBySchema(result.error.issues, complete.root, shape)
  const fresh = late.filter((one) => !inValues.some((known) => isAround(known.path, one.path)))
  throw new ConfigError(inOrder([...early, ...fresh]).map((one) => format(one, name)))
}

function textOf(source: ConfigSource): { readonly text: string; readonly name: string } {
  if (source.file === undefined) return { text: source.text ?? '', name: '' }
  const found = readTextFile(source.file)
  if ('problem' in found) throw new ConfigError([`${source.file}: ${found.problem}`])
  return { text: found.text, name: source.file }
}

function withOverlay(root: Located, overlay: readonly Overlay[]): { root: Located; problems: readonly Found[] } {
  const problems: Found[] = []
  let node = root
  for (const { path, value, flag, excludesFile } of overlay) {
    const [first = ''] = path
    if (excludesFile && root.kind === 'map' && root.entries.has(first)) {
      problems.push({
        path: [first],
        at: root.entries.get(first)?.at,
        text: `given beside ${flag}, expected only one of them`,
      })
    } else node = withNode(node, path, located(value, { flag }))
  }
  return { root: node, problems }
}

/** True when a problem with the value at `outer` explains one at `inner`. */
function isAround(outer: Path, inner: Path): boolean {
  return outer.length <= inner.length && outer.every((step, index) => step === inner[index])
}

function inOrder(found: readonly Found[]): Found[] {
  const line = ({ at }: Found): number => (at !== undefined && 'line' in at ? at.line * 10_000 + at.column : 0)
  return found.toSorted((a, b) => line(a) - line(b))
}

function format({ path, at, text }: Found, file: string): string {
  if (at !== undefined && 'flag' in at) return `${at.flag}: ${text}`
  const parts = [file, [pathText(path), placeText(at)].filter((part) => part !== '').join(' '), text]
  return parts.filter((part) => part !== '').join(': ')
}

/** `kafka[0].tls.ca_file` */
function pathText(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`))
    .join('')
}

function placeText(at: Place | undefined): string {
  return at === undefined || 'flag' in at ? '' : `(${at.line}:${at.column})`
}
