import type { LagRow } from '../model/lag-row.ts'

const columns = ['CONSUMER', 'TOPIC', 'PARTITION', 'POSITION', 'LOG-START', 'LOG-END', 'LAG', 'REASON'] as const
const numbers: ReadonlySet<string> = new Set(['PARTITION', 'POSITION', 'LOG-START', 'LOG-END', 'LAG'])

/** The table that people know from Kafka's own tool; `-` where a number is missing, with the reason beside it. */
export function lagTable(rows: readonly LagRow[]): string {
  const cells = rows.map((row) => [
    plain(row.consumer),
    plain(row.topic),
    String(row.partition),
    number(row.position),
    number(row.logStartOffset),
    number(row.logEndOffset),
    number(row.recordsLag),
    row.reason ?? '',
  ])
  const widths = columns.map((name, index) => Math.max(name.length, ...cells.map((line) => line[index]!.length)))
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) =>
        numbers.has(columns[index]!) ? text.padStart(widths[index]!) : text.padEnd(widths[index]!),
      )
      .join('  ')
      .trimEnd()
  return `${[line(columns), ...cells.map(line)].join('\n')}\n`
}

function number(value: bigint | undefined): string {
  return value === undefined ? '-' : String(value)
}

/** A group id may hold any character; what would move the cursor or hide text is shown escaped. */
function plain(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu, (char) =>
    char === '\\' ? '\\\\' : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
