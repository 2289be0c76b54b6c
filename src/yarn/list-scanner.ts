import { DecodeError } from '../runtime/errors.ts'

/** What the next bytes of an answer hold: one element as JSON text, or why there is none to be read. */
export type Scanned = { readonly text: string } | { readonly bad: string }

export interface ListScanner {
  /**
   * Takes the next bytes, which it may keep, and gives the elements that they complete.
   *
   * @throws DecodeError when this is no JSON, or not of the form
   */
  feed(bytes: Buffer): readonly Scanned[]
  /** @throws DecodeError when the answer has no end, or no list */
  end(): void
}

const MOST_DEPTH = 64
/** Diagnostics, the longest text of a record, are cut at 64 KiB by YARN. */
const MOST_ELEMENT_BYTES = 1024 * 1024
const MOST_KEY_BYTES = 64

/**
 * Takes `{"<outer>":{"<inner>":[…]}}` apart as it arrives, so that a list of any length costs no more memory than one
 * element, and no step more than one piece of the network. `{"<outer>":null}` and `{"<outer>":{}}` are empty lists; an
 * object in place of the list is its only element, and a repeated key goes on with it: YARN makes its JSON from XML, and
 * does all of these.
 */
export function createListScanner(outer: string, inner: string): ListScanner {
  /** Brackets that are open. */
  const open: number[] = []
  let isText = false
  let isEscaped = false
  let isOver = false
  let hasOuter = false
  /** Inside the object of `outer`, and inside the list of `inner`. */
  let isInOuter = false
  let isInList = false
  /** The last text, if it may be a key that matters, and the key before the value that comes. */
  let textBytes: number[] = []
  let key: string | undefined
  /** Pieces of the element that has begun. */
  let pieces: Buffer[] | undefined
  let elementDepth = 0
  let elementBytes = 0

  const isElementNext = (): boolean =>
    (isInList && open.length === 3) || (isInOuter && !isInList && open.length === 2 && key === inner)

  function feed(bytes: Buffer): readonly Scanned[] {
    const found: Scanned[] = []
    let from = 0
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0
      if (isText) {
        if (isEscaped) isEscaped = false
        else if (byte === BACKSLASH) isEscaped = true
        else if (byte === QUOTE) isText = false
        if (isText && open.length <= 2 && textBytes.length < MOST_KEY_BYTES) textBytes.push(byte)
        continue
      }
      if (byte === BLANK || byte === LINE_FEED || byte === RETURN || byte === TAB) continue
      if (isOver) throw new DecodeError('characters behind the end')
      if (open.length === 0 && byte !== OPEN_OBJECT) throw new DecodeError('no JSON object')
      if (byte === QUOTE) {
        isText = true
        textBytes = []
        if (pieces === undefined && isInList && open.length === 3) found.push({ bad: 'a text in place of an object' })
      } else if (byte === COLON) {
        if (open.length <= 2) key = Buffer.from(textBytes).toString('latin1')
        if (open.length === 1 && key === outer) hasOuter = true
      } else if (byte === COMMA) {
        if (open.length <= 2) key = undefined
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (byte === OPEN_OBJECT && pieces === undefined && isElementNext()) {
          pieces = []
          elementDepth = open.length
          elementBytes = 0
          from = index
        } else if (open.length === 1 && key === outer && byte === OPEN_OBJECT) isInOuter = true
        else if (isInOuter && open.length === 2 && key === inner) isInList = true
        open.push(byte)
        if (open.length > MOST_DEPTH) throw new DecodeError(`nested deeper than ${MOST_DEPTH}`)
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        const opened = open.pop()
        if (opened !== (byte === CLOSE_OBJECT ? OPEN_OBJECT : OPEN_LIST)) throw new DecodeError('brackets do not match')
        if (pieces !== undefined && open.length === elementDepth) {
          keep(bytes.subarray(from, index + 1))
          found.push(
            elementBytes > MOST_ELEMENT_BYTES
              ? { bad: `${elementBytes} bytes, expected at most ${MOST_ELEMENT_BYTES}` }
              : { text: Buffer.concat(pieces).toString('utf8') },
          )
          pieces = undefined
        } else if (isInList && open.length === 2) isInList = false
        else if (isInOuter && open.length === 1) isInOuter = false
        isOver = open.length === 0
      }
    }
    if (pieces !== undefined) keep(bytes.subarray(from))
    return found
  }

  function keep(piece: Buffer): void {
    elementBytes += piece.length
    if (elementBytes > MOST_ELEMENT_BYTES) pieces = []
    else pieces?.push(piece)
  }

  return {
    feed,
    end: () => {
      if (!isOver) throw new DecodeError('the end is missing')
      if (!hasOuter) throw new DecodeError(`no ${JSON.stringify(outer)} in it`)
    },
  }
}

const [TAB, LINE_FEED, RETURN] = [0x09, 0x0a, 0x0d]
const [BLANK, QUOTE, COMMA, COLON, BACKSLASH] = [0x20, 0x22, 0x2c, 0x3a, 0x5c]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
