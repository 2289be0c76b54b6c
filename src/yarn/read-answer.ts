import { breather } from '../runtime/breathe.ts'
import { DecodeError } from '../runtime/errors.ts'
import type { Answer } from './http.ts'
import { createListScanner, type Scanned } from './list-scanner.ts'
import type { Read } from './records.ts'

const MOST_START_BYTES = 64 * 1024
/** A list with more than so many elements that are none is no such list; saying of each why costs a tenth of a millisecond. */
const MOST_BAD = 1_000

/** What a list is made of, and who hears of elements that are left out. */
export interface ListReading<T> {
  /** As in `{"apps":{"app":[…]}}`. */
  readonly keys: readonly [outer: string, inner: string]
  readonly read: (json: unknown) => Read<T>
  readonly leftOut: (sentence: string) => void
  readonly mostBytes: number
}

/**
 * The elements of a list, read while it arrives; a bad one costs only itself.
 *
 * @throws DecodeError when the answer is no such list
 * @throws UnavailableError past `mostBytes`, or when it is cut off
 */
export async function readList<T>(
  answer: Answer,
  { keys, read, leftOut, mostBytes }: ListReading<T>,
): Promise<readonly T[]> {
  const scanner = createListScanner(...keys)
  const values: T[] = []
  const breathe = breather()
  let bad = 0
  for await (const piece of answer.pieces(mostBytes)) {
    // A small piece may have thousands of elements.
    for (const scanned of scanner.feed(piece)) {
      const element = elementOf(scanned, read)
      if ('value' in element) values.push(element.value)
      else {
        leftOut(`Left out of "${keys[1]}": ${element.bad}`)
        if (++bad > MOST_BAD) throw new DecodeError(`more than ${MOST_BAD} elements of "${keys[1]}" cannot be read`)
      }
      await breathe()
    }
  }
  scanner.end()
  return values
}

function elementOf<T>(scanned: Scanned, read: (json: unknown) => Read<T>): Read<T> {
  if ('bad' in scanned) return scanned
  try {
    return read(JSON.parse(scanned.text))
  } catch (error) {
    if (error instanceof SyntaxError) return { bad: `no JSON: ${JSON.stringify(scanned.text.slice(0, 80))}` }
    throw error
  }
}

/** The whole body. */
export async function textOf(answer: Answer, mostBytes: number): Promise<string> {
  const all: Buffer[] = []
  for await (const piece of answer.pieces(mostBytes)) all.push(piece)
  return Buffer.concat(all).toString('utf8')
}

/** What came first of a body, however long it is: for refusals. */
export async function startOf(answer: Answer): Promise<string> {
  try {
    for await (const piece of answer.pieces(MOST_START_BYTES)) return piece.toString('utf8')
  } catch {
    // Nothing came, and the status says enough.
  }
  return ''
}

/** @throws DecodeError */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DecodeError('no JSON', { cause })
  }
}
