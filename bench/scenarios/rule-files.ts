import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'

/** Rules as `promtool test rules` wants them. */
export interface Rules {
  /** Paths of the files: those that we ship, then those of peers. */
  readonly files: readonly string[]
  /** Names of the groups in the order in which they are to be evaluated. */
  readonly groups: readonly string[]
  /** Every word of the expressions, the names of metrics among them. */
  readonly words: ReadonlySet<string>
}

const shipped = new URL('../../alerts/', import.meta.url)

const ruleFile = z.object({
  groups: z.array(z.object({ name: z.string(), rules: z.array(z.object({ expr: z.string() })) })),
})

export function readRules(): Rules {
  const files = [
    ...readdirSync(shipped)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => new URL(name, shipped)),
    new URL('./peer-rules.yaml', import.meta.url),
  ].map((url) => fileURLToPath(url))
  const groups = files.flatMap((path) => ruleFile.parse(parse(readFileSync(path, 'utf8'))).groups)
  const expressions = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
  return {
    files,
    groups: groups.map(({ name }) => name),
    words: new Set(expressions.flatMap((text) => text.match(/[a-zA-Z_:][\w:]*/g) ?? [])),
  }
}
