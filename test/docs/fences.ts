import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A block between two lines of three backticks. */
export interface Fence {
  /** The page and the line of its first line, such as `recipes/flink.md:12`. */
  readonly at: string
  /** The word behind the backticks. */
  readonly language: string
  readonly text: string
}

const docs = join(import.meta.dirname, '../../docs')

/** The blocks of the recipes, and of the page that they belong to. */
export function recipeFences(): readonly Fence[] {
  const pages = readdirSync(join(docs, 'recipes')).filter((name) => name.endsWith('.md'))
  return ['register.md', ...pages.map((name) => `recipes/${name}`)].flatMap(fencesOf)
}

function fencesOf(page: string): readonly Fence[] {
  const text = readFileSync(join(docs, page), 'utf8')
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, language = '', block = ''] = match
    return { at: `${page}:${text.slice(0, match.index).split('\n').length + 1}`, language, text: block }
  })
}

/** The commands of a shell block as words, lines that are continued joined, what would be run for a word left out. */
function commandsIn(block: string): readonly (readonly string[])[] {
  return block
    .replaceAll(/\\\n/g, ' ')
    .replaceAll(/\$\([^)]*\)/g, 'found')
    .split('\n')
    .map((line) => (line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []).map((word) => word.replaceAll(/["']/g, '')))
}

/** Every list of arguments behind `lagkeeper register` or `main.js register`, wherever it stands. */
export function registerArguments({ language, text }: Fence): readonly (readonly string[])[] {
  const lines = language === 'ini' ? text.split('\n').map((line) => line.split(/\s+/)) : commandsIn(text)
  return lines.flatMap((words) => {
    const at = words.findIndex(
      (word, index) => word === 'register' && /lagkeeper$|main\.js$/.test(words[index - 1] ?? ''),
    )
    return at < 0 ? [] : [words.slice(at + 1)]
  })
}

export interface CurlCall {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

/** The calls of curl with a body; shell variables in it are a word. */
export function curlCalls(block: string): readonly CurlCall[] {
  const calls = block.replaceAll(/'"\$\w+"'/g, 'word').matchAll(/curl\s[^|]*?-X (\w+)\s+(\S+)[^|]*?-d '([^']*)'/g)
  return [...calls].map(([, method = '', url = '', body = '']) => ({
    method,
    path: url
      .replaceAll(/"/g, '')
      .replace('$base', variable(block, 'base'))
      .replace(/^https?:\/\/[^/]+/, ''),
    body: JSON.parse(body),
  }))
}

function variable(block: string, name: string): string {
  return new RegExp(`^${name}=(\\S+)$`, 'm').exec(block)?.[1] ?? ''
}
