/** One line of a page of metrics. */
export interface Sample {
  readonly name: string
  /** A label that is not there reads as undefined; Prometheus takes it for the same as an empty one. */
  readonly labels: Readonly<Record<string, string>>
  /** As it is written. */
  readonly value: string
}

/**
 * Reads a page in the text format 0.0.4 or OpenMetrics as Prometheus does: quotes, backslashes and newlines may be escaped,
 * and every other character, control characters and raw newlines included, may stand in a label value as it is.
 *
 * @throws Error with the number of the line that is no sample
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
export function parsePage(text: string): readonly Sample[] {
  const samples: Sample[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found === null) return undefined
    at = pattern.lastIndex
    return found
  }
  const fail = (expected: string): Error => {
    const line = text.slice(0, at).split('\n').length
    return new Error(`Read page, line ${line}: ${JSON.stringify(text.slice(at, at + 60))}, expected ${expected}`)
  }
  for (;;) {
    take(blanksAndComments)
    if (at >= text.length) return samples
    const name = take(metricName)?.[0]
    if (name === undefined) throw fail('the name of a metric')
    const labels: Record<string, string> = {}
    if (take(opening) !== undefined) {
      for (let label = take(oneLabel); label !== undefined; label = take(oneLabel))
        labels[label[1] ?? ''] = withoutEscapes(label[2] ?? '')
      if (take(closing) === undefined) throw fail('a label or "}"')
    }
    const value = take(rest)?.[1]
    if (value === undefined) throw fail('a value')
    samples.push({ name, labels, value })
  }
}

const blanksAndComments = /(?:[ \t\n]+|#[^\n]*(?:\n|$))*/y
const metricName = /[a-zA-Z_:][\w:]*/y
const opening = /[ \t]*\{/y
const oneLabel = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"((?:[^"\\]|\\[\s\S])*)"[ \t]*,?/y
const closing = /[ \t]*\}/y
/** A value; a timestamp and an exemplar may follow. */
const rest = /[ \t]*([^ \t\n]+)[^\n]*/y

function withoutEscapes(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([\s\S])/g, (both, escaped: string) => {
    if (escaped === 'n') return '\n'
    return escaped === '"' || escaped === '\\' ? escaped : both
  })
}
