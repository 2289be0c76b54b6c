import { kafkaExporterFamilies } from '../exposition/compat-families.ts'
import { compatTables } from '../exposition/compat-tables.ts'
import { lagFamilies } from '../exposition/families.ts'

/** What is not made of offsets: it would need brokers, retention, or records to be looked at. */
const unrecorded: ReadonlySet<string> = new Set([
  lagFamilies.eventTimeLag.name,
  lagFamilies.headroomSeconds.name,
  lagFamilies.readCommittedRecordsLag.name,
  lagFamilies.coldRecords.name,
  lagFamilies.lagBytes.name,
  kafkaExporterFamilies.brokers.name,
  kafkaExporterFamilies.brokerInfo.name,
  kafkaExporterFamilies.leader.name,
])

/** Names of the metrics that a recording can show: ours, and those of other exporters that pages can have. */
export const replayedNames: ReadonlySet<string> = new Set(
  [...Object.values(lagFamilies), ...Object.values(compatTables).flatMap((table) => table.map(([family]) => family))]
    .map(({ name }) => name)
    .filter((name) => !unrecorded.has(name)),
)

const operators: ReadonlySet<string> = new Set(['and', 'or', 'unless', 'bool', 'offset', 'start', 'end', 'inf', 'nan'])

/** Texts, matchers, lists of labels, windows: what may hold words that are no metrics. */
const passedOver = [
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g,
  /#[^\n]*/g,
  /\{[^}]*\}/g,
  /\[[^\]]*\]/g,
  /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/gi,
  /\b(?:group_left|group_right)\b/gi,
]

/** The names of the metrics that an expression of PromQL reads; a name that stands only in `__name__` is not found. */
export function metricNames(expression: string): ReadonlySet<string> {
  // A matcher in braces keeps its name in front, and an aggregation may have its labels behind.
  const bare = passedOver.reduce((text, form) => text.replace(form, ' '), expression)
  const names = new Set<string>()
  for (const { 0: word, index } of bare.matchAll(/(?<![\w:.])[a-zA-Z_:][\w:]*/g)) {
    const isCall = /^\s*\(/.test(bare.slice(index + word.length))
    if (!isCall && !operators.has(word.toLowerCase())) names.add(word)
  }
  return names
}
