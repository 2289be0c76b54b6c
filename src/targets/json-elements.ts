/** Deeper lists are refused before they are parsed: nothing of ours nests. */
const mostDepth = 16

/** Where a long JSON text was found to be none. */
export interface BrokenJson {
  readonly broken: string
}

const charactersPerStep = 256 * 1024

/**
 * The elements of a JSON array as texts, to be parsed one by one, so that a long list never holds the event loop. What is
 * inside an element is looked at only as far as brackets and strings go. Yields between steps of about a millisecond.
 */
export function* jsonElements(text: string): Generator<void, readonly string[] | BrokenJson> {
  const elements: string[] = []
  let depth = 0
  let start = -1
  let isText = false
  let isOver = false
  for (let index = 0; index < text.length; index++) {
    if (index % charactersPerStep === charactersPerStep - 1) yield
    const code = text.charCodeAt(index)
    if (isText) {
      if (code === BACKSLASH) index++
      else if (code === QUOTE) isText = false
      continue
    }
    const isBlank = code === BLANK || code === LINE_FEED || code === RETURN || code === TAB
    if (isOver && !isBlank) return { broken: `characters behind the list at ${index}` }
    if (depth === 0 && code !== OPEN_LIST && !isBlank) return { broken: 'no JSON array' }
    if (code === QUOTE) isText = true
    if (depth === 1 && start < 0 && !isBlank && code !== COMMA && code !== CLOSE_LIST) start = index
    if (code === OPEN_LIST || code === OPEN_OBJECT) {
      depth++
      if (depth > mostDepth) return { broken: `nested deeper than ${mostDepth} at ${index}` }
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--
    if (depth === 0 && code === CLOSE_OBJECT) return { broken: `the list ends with "}" at ${index}` }
    const isEnd = (depth === 1 && code === COMMA) || depth === 0
    if (isEnd && !isBlank) {
      if (start >= 0) elements.push(text.slice(start, index))
      else if (code === COMMA || elements.length > 0) return { broken: `no element before ${index}` }
      start = -1
    }
    isOver = depth === 0 && (isOver || !isBlank)
  }
  return isOver ? elements : { broken: 'the end is missing' }
}

const [TAB, LINE_FEED, RETURN] = [0x09, 0x0a, 0x0d]
const [BLANK, QUOTE, COMMA, BACKSLASH] = [0x20, 0x22, 0x2c, 0x5c]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
