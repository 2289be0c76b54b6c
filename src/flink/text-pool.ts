import { ownText } from '../model/own-text.ts'

/** Gives equal texts as one: a thousand pages have the same few names each, and again in every interval. */
export interface TextPool {
  intern(text: string): string
}

const mostTexts = 200_000
/** Longer ones are seldom equal, and dear to keep. */
const mostLength = 256

export function createTextPool(): TextPool {
  let texts = new Map<string, string>()
  return {
    intern: (text) => {
      if (text.length > mostLength) return text
      const known = texts.get(text)
      if (known !== undefined) return known
      // What is still in use is put back soon.
      if (texts.size >= mostTexts) texts = new Map()
      // Not the line that it was cut out of.
      const own = ownText(text)
      texts.set(own, own)
      return own
    },
  }
}
