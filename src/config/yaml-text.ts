import { type Document, type ErrorCode, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import type { Found, Located, Place } from './located.ts'
import { MAX_DEPTH, type ParsedYaml, readTree } from './yaml-tree.ts'

/** What the parser's own messages say, in our words: they may quote the text, and the text may be a password. */
const messages: Readonly<Partial<Record<ErrorCode, string>>> = {
  TAB_AS_INDENT: 'a tab in the indentation, expected spaces',
  BAD_INDENT: 'wrong indentation',
  MISSING_CHAR: 'a closing quote or bracket, a comma or a colon is missing',
  BAD_SCALAR_START: 'this character cannot start a value, expected the value in quotes',
  BAD_DQ_ESCAPE: 'unknown escape in double quotes, expected single quotes when a backslash stands for itself',
  MULTIPLE_DOCS: 'a second document, expected one',
  MULTILINE_IMPLICIT_KEY: 'a key over several lines, or a colon is missing',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " in one line, expected the value in quotes',
  TAG_RESOLVE_FAILED: 'a tag, expected a plain value, or quotes around one that starts with "!"',
  RESOURCE_EXHAUSTION: `nested too deep, expected at most ${MAX_DEPTH} levels`,
}

/**
 * Parses YAML 1.2 into a located tree. Refused: a second document, tags, directives, duplicate keys, keys that are not
 * text, `__proto__`, control characters, deep nesting, aliases that multiply. Problems never quote values.
 */
export function parseYaml(text: string): ParsedYaml {
  const lines = new LineCounter()
  const broken = brokenBeforeParsing(text)
  if (broken !== undefined) return { problems: [broken] }
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: 'error',
  })
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const problems = syntaxProblems(document, place)
  if (problems.length > 0) return { problems }
  if (document.contents === null || isNull(document.contents)) return { root: emptyMap, problems }
  return readTree(document.contents, place)
}

const emptyMap: Located = { kind: 'map', at: { line: 1, column: 1 }, entries: new Map() }

/** What must not reach the parser: it recurses, and a stack that overflows inside a regular expression ends the process. */
function brokenBeforeParsing(text: string): Found | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.exec(text)
  if (control !== null) return at(text, control.index, 'a control character, expected text')
  const deep = deepFlow(text) ?? deepBlock.exec(text)?.index
  return deep === undefined ? undefined : at(text, deep, `nested too deep, expected at most ${MAX_DEPTH} levels`)
}

/** Many markers of lists or keys in one line, as in `- - - - x`. */
const deepBlock = new RegExp(`(?:[-?:][ \\t]+){${MAX_DEPTH}}`)

/** The offset at which far more brackets are open than a configuration has; brackets in quotes hardly matter here. */
function deepFlow(text: string): number | undefined {
  let open = 0
  for (const { 0: bracket, index } of text.matchAll(/[[\]{}]/g)) {
    open += bracket === '[' || bracket === '{' ? 1 : -1
    if (open > MAX_DEPTH * 4) return index
  }
  return undefined
}

function at(text: string, offset: number, what: string): Found {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { path: [], at: { line, column: offset - before.lastIndexOf('\n') }, text: what }
}

/** A file of comments and markers only. */
function isNull(contents: ParsedNode): boolean {
  return isScalar(contents) && contents.value === null
}

/** The first problem of each kind: one slip often upsets all the lines after it. */
function syntaxProblems(document: Document.Parsed, place: (offset: number) => Place): Found[] {
  const found = new Map<string, Found>()
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    const text = messages[code] ?? 'not YAML here, expected quotes around a value with special characters'
    if (!found.has(text)) found.set(text, { path: [], at: place(pos[0]), text })
  }
  const directive = 'a directive, expected none: the file is YAML 1.2'
  if (document.directives.yaml.explicit === true) found.set(directive, { path: [], at: place(0), text: directive })
  return [...found.values()]
}
