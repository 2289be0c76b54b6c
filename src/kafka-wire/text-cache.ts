const SLOTS = 4096

/** Remembers texts by their bytes, so that one that comes again is not decoded again. */
export interface TextCache {
  /** The text of `bytes[start … end − 1]`: a remembered one, else what `decode` makes of it. */
  get(bytes: Uint8Array, start: number, end: number, decode: (start: number, end: number) => string): string
}

/**
 * A cache for one answer, of a fixed number of slots: a text that falls into a taken slot takes it over. It is for
 * fields that repeat thousands of times (a group's state, the topics that many groups read), where comparing bytes costs
 * a third of decoding them.
 */
export function createTextCache(): TextCache {
  const texts: (string | undefined)[] = []
  return {
    get(bytes, start, end, decode) {
      const slot = slotOf(bytes, start, end)
      const known = texts[slot]
      if (known !== undefined && isText(known, bytes, start, end)) return known
      const text = decode(start, end)
      texts[slot] = text
      return text
    },
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
  return (hash ^ (hash >>> 12)) & (SLOTS - 1)
}

/** Only ASCII texts compare equal: others have fewer units than bytes. */
function isText(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== bytes[start + index]) return false
  return true
}
