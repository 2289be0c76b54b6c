const ZERO = 48
const encoder = new TextEncoder()

/**
 * Writes a number from 0 up in full decimal digits and returns the index behind them: a value above 2^53 as the exact
 * digits of its float64, never with an exponent. Up to 20 bytes for any offset; no number takes more than 330.
 */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  if (value < 1e9 && Number.isInteger(value)) return writeSmall(bytes, at, value, 1)
  if (!Number.isSafeInteger(value)) {
    // What is not whole can only come from an objective.
    return writeText(bytes, at, Number.isInteger(value) ? BigInt(value).toString() : String(value))
  }
  const high = Math.floor(value / 1e9)
  return writeSmall(bytes, writeSmall(bytes, at, high, 1), value - high * 1e9, 9)
}

/** Writes text as UTF-8 where there is room for three bytes a character, and returns the index behind it. */
export function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    // The encoder costs as much as a hundred characters of ASCII, and names seldom have any other.
    if (code > 0x7f) return at + encoder.encodeInto(text, bytes.subarray(at)).written
    bytes[at + index] = code
  }
  return at + text.length
}

/** Digits of 0 to 999,999,999, at least `width` of them. */
function writeSmall(bytes: Uint8Array, at: number, value: number, width: number): number {
  let length = width
  for (let limit = 10 ** width; value >= limit; limit *= 10) length++
  let rest = value
  for (let to = at + length - 1; to >= at; to--) {
    const next = (rest / 10) | 0
    bytes[to] = ZERO + rest - next * 10
    rest = next
  }
  return at + length
}
