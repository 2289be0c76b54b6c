import { readFileSync } from 'node:fs'

/** The version in package.json, which lies beside both `src` and `dist`. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const found: { readonly version: string } = JSON.parse(text)
  return found.version
}
