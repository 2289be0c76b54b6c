/**
 * The value of a sample, from the text behind its labels (a timestamp may follow): as Java writes a double.
 *
 * @returns NaN and infinities as they are; undefined when it is no number
 */
export function readValue(text: string): number | undefined {
  const [, value = ''] = /^[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/.exec(text) ?? []
  if (value === 'NaN') return Number.NaN
  if (/^[+-]?Inf(?:inity)?$/i.test(value)) return value.startsWith('-') ? -Infinity : Infinity
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value) ? Number(value) : undefined
}

/** An offset, sentinels included; undefined when the number is none, or too large to be told from its neighbours. */
export function offsetOf(value: number): number | undefined {
  // Adding 0 makes 0 of -0.
  return Number.isSafeInteger(value) ? value + 0 : undefined
}
