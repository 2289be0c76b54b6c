/** FNV-1a over UTF-16 units, 32 bits; the same in every process. @see http://www.isthe.com/chongo/tech/comp/fnv/ */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** The same as eight hex digits. */
export function hexHashOf(text: string): string {
  return hashOf(text).toString(16).padStart(8, '0')
}
