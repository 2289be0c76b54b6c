import type { Compared } from '../compare/known.ts'
import { jsonText } from '../exposition/json-row.ts'

const columns = ['DIFFERENCE', 'CONSUMER', 'TOPIC', 'PARTITION', 'WHAT', 'THEIRS', 'OURS', 'WHY'] as const
const numbers: ReadonlySet<string> = new Set(['PARTITION', 'THEIRS', 'OURS'])

/** Differences for people; `-` where a side has no number. */
export function compareTable(differences: readonly Compared[]): string {
  const cells = differences.map((one) => [
    one.difference,
    plain(one.consumer ?? ''),
    plain(one.topic ?? ''),
    one.partition === undefined ? '' : String(one.partition),
    one.quantity,
    one.theirs === undefined ? '-' : String(one.theirs),
    one.ours === undefined ? '-' : String(one.ours),
    plain(one.why ?? ''),
  ])
  const widths = columns.map((name, index) =>
    cells.reduce((most, line) => Math.max(most, line[index]!.length), name.length),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) =>
        numbers.has(columns[index]!) ? text.padStart(widths[index]!) : text.padEnd(widths[index]!),
      )
      .join('  ')
      .trimEnd()
  return `${[line(columns), ...cells.map(line)].join('\n')}\n`
}

/** One difference as a line of JSON: what a side does not have is left out, NaN is text. */
export function compareJson(one: Compared, kafkaCluster: string): string {
  const { difference, quantity, series, consumer, topic, partition, theirs, ours, why } = one
  return jsonText({
    difference,
    kafka_cluster: kafkaCluster,
    quantity,
    series,
    consumer,
    topic,
    partition,
    theirs: theirs !== undefined && !Number.isFinite(theirs) ? String(theirs) : theirs,
    ours,
    why,
  })
}

/** Names on a foreign page may hold any character; what would move the cursor or hide text is shown escaped. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu, (char) =>
    char === '\\' ? '\\\\' : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
