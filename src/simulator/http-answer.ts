/** What a simulated HTTP server answers. */
export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Buffer
  /** Besides the content type. */
  readonly headers?: Readonly<Record<string, string>>
  /** Packed with gzip for those who take it. */
  readonly isPackable?: true
}

/** Java's Long.MAX_VALUE, which JavaScript has no number for. */
export const longMax: unique symbol = Symbol('9223372036854775807')

/** `value` as JSON, in which `longMax` may stand. */
export function jsonText(value: unknown): string {
  const mark = '\u0000long max\u0000'
  const text = JSON.stringify(value, (_, one: unknown) => (one === longMax ? mark : one))
  return text.replaceAll(JSON.stringify(mark), '9223372036854775807')
}
