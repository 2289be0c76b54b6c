import { runInTurns } from '../runtime/breathe.ts'

/** Parsed at once: half a millisecond. */
const shortEnough = 128 * 1024
const charactersPerStep = 256 * 1024
/** How deep lists and objects may nest that are longer than `shortEnough` each. */
const mostDepth = 32
/** In an object that is longer than `shortEnough`. */
const mostMembers = 10_000
/** In all. An answer of 8 MiB about jobs has 500,000; collecting the garbage of many millions would take its time. */
const mostValues = 800_000

/**
 * The value of a JSON text as JSON.parse gives it, of repeated keys the last; sockets and timers run in between, so that
 * 8 MiB (40 to 70 ms at once) never hold the event loop.
 *
 * @throws SyntaxError when it is no JSON, nests long lists too deeply, or has more than 800,000 values
 */
export async function parseJson(text: string): Promise<unknown> {
  return runInTurns(valueIn(text, 0))
}

function* valueIn(text: string, depth: number): Generator<void, unknown> {
  if (text.length <= shortEnough) return JSON.parse(text)
  const whole = text.trim()
  const open = whole.charCodeAt(0)
  if (open !== OPEN_LIST && open !== OPEN_OBJECT) return JSON.parse(whole)
  if (depth > mostDepth) throw new SyntaxError(`long lists nested deeper than ${mostDepth}`)
  const ends = yield* endsOfPieces(whole)
  const list: unknown[] = []
  const members = new Map<string, unknown>()
  let start = 1
  for (const end of ends) {
    const piece = whole.slice(start, end)
    start = end + 1
    yield
    if (piece.trim() === '') {
      if (ends.length > 1) throw new SyntaxError('no value between two commas')
    } else if (open === OPEN_LIST) yield* addElements(list, piece, depth)
    else yield* addMembers(members, piece, depth)
  }
  return open === OPEN_LIST ? list : Object.fromEntries(members)
}

function* addElements(list: unknown[], piece: string, depth: number): Generator<void> {
  if (piece.length > shortEnough) return void list.push(yield* valueIn(piece, depth + 1))
  const values: unknown = JSON.parse(`[${piece}]`)
  for (const value of Array.isArray(values) ? values : []) list.push(value)
}

function* addMembers(members: Map<string, unknown>, piece: string, depth: number): Generator<void> {
  if (piece.length > shortEnough) {
    const colon = endOfKey(piece)
    const key: unknown = JSON.parse(piece.slice(0, colon))
    if (typeof key !== 'string') throw new SyntaxError('a key that is no text')
    members.set(key, yield* valueIn(piece.slice(colon + 1), depth + 1))
  } else {
    const values: object = JSON.parse(`{${piece}}`)
    for (const [key, value] of Object.entries(values)) members.set(key, value)
  }
  if (members.size > mostMembers) throw new SyntaxError(`an object of more than ${mostMembers} members`)
}

/** Where the colon behind the key is. */
function endOfKey(member: string): number {
  let isText = false
  for (let index = 0; index < member.length; index++) {
    const code = member.charCodeAt(index)
    if (isText && code === BACKSLASH) index++
    else if (code === QUOTE) isText = !isText
    else if (code === COLON && !isText) return index
  }
  throw new SyntaxError('a member without a value')
}

/**
 * Cuts what is between the outer brackets at commas, into pieces of at most `shortEnough` characters or of one longer
 * element: where each ends.
 */
function* endsOfPieces(text: string): Generator<void, readonly number[]> {
  const ends: number[] = []
  let start = 1
  let lastComma = 0
  let depth = 0
  let values = 0
  let isText = false
  for (let index = 0; index < text.length; index++) {
    if (index % charactersPerStep === charactersPerStep - 1) yield
    const code = text.charCodeAt(index)
    if (isText) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) isText = false
      continue
    }
    if (code === QUOTE) isText = true
    else if (code === OPEN_LIST || code === OPEN_OBJECT) depth++
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--
    if (code === COMMA || code === OPEN_LIST || code === OPEN_OBJECT) values++
    if (values > mostValues) throw new SyntaxError(`more than ${mostValues} values`)
    const isOver = depth === 0
    if (!isOver && !(depth === 1 && code === COMMA)) continue
    if (index - start > shortEnough && lastComma >= start) {
      ends.push(lastComma)
      start = lastComma + 1
    }
    if (isOver || index - start > shortEnough) {
      ends.push(index)
      start = index + 1
    }
    lastComma = index
    if (!isOver) continue
    if (code - text.charCodeAt(0) !== 2) throw new SyntaxError(`the wrong bracket at ${index}`)
    if (index !== text.length - 1) throw new SyntaxError(`characters behind the end at ${index + 1}`)
    return ends
  }
  throw new SyntaxError('the end is missing')
}

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c]
/** A closing bracket is two behind its opening one. */
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
