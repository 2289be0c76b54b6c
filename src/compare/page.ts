/** One sample of a metrics page, as it stands there. */
export interface ForeignSample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** Lines of a page that are no samples, and what became of the whole. */
export interface PageReading {
  /** Gives text as it comes, cut anywhere. */
  push(text: string): void
  /** @throws nothing: what is broken is counted */
  end(): PageResult
}

export interface PageResult {
  readonly samples: readonly ForeignSample[]
  /** Lines of the wanted families that are no samples, and lines that are too long. */
  readonly broken: number
  /** The first of them, cut short. */
  readonly firstBroken?: string
  /** True when there were more samples than are kept. */
  readonly isCut: boolean
}

const MAX_LINE = 64 * 1024
const SHOWN = 120

/**
 * Reads Prometheus' text format or OpenMetrics, keeping only the wanted families: timestamps, exemplars and comments are
 * passed over, and a broken line costs only itself.
 *
 * @param isKept chooses among the samples of these families
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
export function createPageReader(
  isWanted: (name: string) => boolean,
  mostSamples: number,
  isKept: (sample: ForeignSample) => boolean = () => true,
): PageReading {
  const samples: ForeignSample[] = []
  let rest = ''
  let isTooLong = false
  let broken = 0
  let firstBroken: string | undefined
  let isCut = false

  function note(line: string): void {
    broken++
    firstBroken ??= line.slice(0, SHOWN)
  }

  function take(line: string): void {
    const name = /^[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)/.exec(line)?.[1]
    if (name === undefined || !isWanted(name)) return
    const sample = parseSample(line, name)
    if (sample === undefined) note(line)
    else if (!isKept(sample)) return
    else if (samples.length >= mostSamples) isCut = true
    else samples.push(sample)
  }

  return {
    push: (text) => {
      let from = 0
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        if (isTooLong || rest.length + end - from > MAX_LINE) note(rest === '' ? text.slice(from, from + SHOWN) : rest)
        else take(rest + text.slice(from, end))
        rest = ''
        isTooLong = false
        from = end + 1
      }
      isTooLong ||= rest.length + text.length - from > MAX_LINE
      rest = isTooLong ? rest.slice(0, SHOWN) : rest + text.slice(from)
    },
    end: () => {
      if (isTooLong) note(rest)
      else if (rest !== '') take(rest)
      return { samples, broken, ...(firstBroken === undefined ? {} : { firstBroken }), isCut }
    },
  }
}

/** The sample of a line that begins with `name`; undefined when it is none. */
function parseSample(line: string, name: string): ForeignSample | undefined {
  let at = line.indexOf(name) + name.length
  const labels = new Map<string, string>()
  while (line[at] === ' ' || line[at] === '\t') at++
  if (line[at] === '{') {
    const end = parseLabels(line, at + 1, labels)
    if (end === undefined) return undefined
    at = end
  }
  // Behind the value may stand a timestamp, and in OpenMetrics an exemplar.
  const value = /^[ \t]*([^ \t\r]+)(?:[ \t]+-?\d+(?:\.\d+)?)?[ \t]*(?:#.*)?\r?$/.exec(line.slice(at))?.[1]
  const number = value === undefined ? undefined : numberOf(value)
  return number === undefined ? undefined : { name, labels, value: number }
}

/** Fills `labels` and returns the index behind the closing bracket. */
function parseLabels(line: string, from: number, labels: Map<string, string>): number | undefined {
  const pair = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,?)/y
  let at = from
  for (;;) {
    pair.lastIndex = at
    const found = pair.exec(line)
    if (found === null) break
    const [all, label = '', escaped = '', comma] = found
    if (labels.has(label)) return undefined
    labels.set(label, escaped.includes('\\') ? plainText(escaped) : escaped)
    at += all.length
    if (comma === '') break
  }
  while (line[at] === ' ' || line[at] === '\t') at++
  return line[at] === '}' ? at + 1 : undefined
}

function plainText(text: string): string {
  return text.replace(/\\(.)/gs, (all, special: string) =>
    special === 'n' ? '\n' : special === '\\' || special === '"' ? special : all,
  )
}

function numberOf(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text)
  const word = text.toLowerCase()
  if (word === 'nan') return Number.NaN
  return /^[+-]?inf(inity)?$/.test(word) ? (word.startsWith('-') ? -Infinity : Infinity) : undefined
}
