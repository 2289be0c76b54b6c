import { filterLabel } from './filter-label.ts'
import type { FlinkPage } from './flink-page.ts'
import { createLineCutter } from './page-lines.ts'
import { createPageBook } from './parse-page-book.ts'
import { families, helpPrefix, mayBeFamily, processPrefix, taskPrefix, topicOfHelp } from './parse-page-families.ts'
import { noLabels, readLabels } from './parse-page-labels.ts'
import { readValue } from './parse-page-value.ts'

export interface ParseLimits {
  /** Longer lines are passed over; with Flink SQL the name of a task alone takes kilobytes. 256 kB by default. */
  readonly mostLineBytes?: number
  /** Partitions, operators and tasks together; 200,000 by default. */
  readonly mostReadings?: number
  /** Characters of names that are kept; 16 million by default. */
  readonly mostText?: number
}

/** Bytes of a reporter's page in, what it says of Kafka sources out. */
export interface PageParser {
  /** `chunk` may be written over afterwards. */
  push(chunk: Buffer): void
  /** Which TaskManager the page is of, as soon as that is known: from its first sample as a rule. */
  tmId(): string | undefined
  /** It holds more than we keep of a page: what was read of it is not to be used. */
  isTooMuch(): boolean
  /** Whether a line of ours has begun that has no end yet: at the end of a page it was cut off. */
  isWithinLine(): boolean
  /** What there was; a line that has no end is not in it. */
  end(): FlinkPage
}

const HASH = 35
const OPENING_BRACE = 123

/**
 * Parses the Prometheus text format as Flink's reporter writes it (simpleclient 0.3.0 to 0.8.1), for the families of
 * Kafka sources; all else is passed over by its first bytes. A page of 650 kB takes about a millisecond.
 *
 * @param intern gives equal texts as one, so that many pages share their names
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function createPageParser(intern: (text: string) => string, limits: ParseLimits = {}): PageParser {
  const { mostLineBytes = 256 * 1024, mostReadings = 200_000, mostText = 16_000_000 } = limits
  let textLength = 0
  const book = createPageBook((text) => {
    textLength += text.length
    return intern(text)
  })
  const topicNames = new Map<string, Set<string>>()
  let names = 0
  let tmId: string | undefined
  let hasTrueLabels = false
  let bytes = 0
  let badLines = 0

  const isTooMuch = (): boolean => book.size() + names > mostReadings || textLength > mostText

  function readHelp(line: string): void {
    const topic = topicOfHelp(line)
    if (topic === undefined) return
    const shown = filterLabel(topic)
    const known = topicNames.get(shown)
    if (known?.has(topic)) return
    if (known === undefined) topicNames.set(intern(shown), new Set([intern(topic)]))
    else known.add(intern(topic))
    names++
    textLength += shown.length + topic.length
  }

  function readSample(line: Buffer): void {
    const brace = line.indexOf(OPENING_BRACE)
    const family = mayBeFamily(brace) ? line.toString('latin1', 0, brace) : ''
    const kind = families.get(family)
    if (kind === undefined && tmId !== undefined) return
    const labels = noLabels()
    const after = brace === -1 ? -1 : readLabels(line, brace + 1, labels)
    if (after !== -1) tmId ??= labels.tmId
    if (kind === undefined) return
    const value = after === -1 ? undefined : readValue(line.toString('latin1', after))
    // A page is of one process. What names another one has been put in by somebody else.
    if (value === undefined || labels.tmId !== tmId || !book.add(kind, labels, value)) badLines++
    else hasTrueLabels ||= isTrue(labels.operatorName) || isTrue(labels.topic) || isTrue(labels.jobName)
  }

  const cutter = createLineCutter(mostLineBytes, {
    line: (buffer, start, end) => {
      if (buffer[start] === HASH) {
        if (startsWith(buffer, start, end, helpPrefix) && !isTooMuch()) readHelp(buffer.toString('utf8', start, end))
      } else if (
        startsWith(buffer, start, end, taskPrefix) ||
        (tmId === undefined && startsWith(buffer, start, end, processPrefix))
      ) {
        if (!isTooMuch()) readSample(buffer.subarray(start, end))
      }
    },
    mayWant: (buffer, start, end) =>
      buffer[start] === HASH
        ? mayStartWith(buffer, start, end, helpPrefix)
        : mayStartWith(buffer, start, end, tmId === undefined ? processPrefix : taskPrefix),
    tooLong: (beginning) => {
      const family = /^[^\s{]+/.exec(beginning.toString('latin1', 0, 256))?.[0] ?? ''
      if (families.has(family)) badLines++
    },
  })

  return {
    push: (chunk) => {
      bytes += chunk.length
      cutter.push(chunk)
    },
    tmId: () => tmId,
    isTooMuch,
    isWithinLine: cutter.isWithinLine,
    end: () => ({
      ...(tmId === undefined ? {} : { tmId }),
      ...book.readings(),
      topicNames,
      ...(hasTrueLabels ? { hasTrueLabels } : {}),
      bytes,
      badLines,
    }),
  }
}

function isTrue(label: string | undefined): boolean {
  return label !== undefined && filterLabel(label) !== label
}

function startsWith(buffer: Buffer, start: number, end: number, prefix: Buffer): boolean {
  return end - start >= prefix.length && mayStartWith(buffer, start, end, prefix)
}

/** As far as the bytes go. */
function mayStartWith(buffer: Buffer, start: number, end: number, prefix: Buffer): boolean {
  const length = Math.min(prefix.length, end - start)
  // From the back: most lines of a page begin alike.
  for (let at = length - 1; at >= 0; at--) if (buffer[start + at] !== prefix[at]) return false
  return true
}
