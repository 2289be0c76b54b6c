import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A script of `flink/sql` by its file name, or the text that is given, with `${NAME}` filled in. */
export async function sqlScript(fileOrText: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const isFile = /^[\w-]+\.sql$/.test(fileOrText)
  let script = isFile ? await readFile(join(import.meta.dirname, 'flink', 'sql', fileOrText), 'utf8') : fileOrText
  for (const [name, value] of Object.entries(parameters)) script = script.replaceAll(`\${${name}}`, value)
  const missing = /\$\{(\w+)\}/.exec(script)
  if (missing !== null) throw new Error(`Fill in SQL: parameter "${missing[1]}" is not given`)
  return script
}
