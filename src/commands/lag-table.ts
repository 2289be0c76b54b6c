import type { LagRow } from '../model/lag-row.ts'
import { plain, textTable } from './text-table.ts'

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
  return textTable(columns, numbers, cells)
}

function number(value: bigint | undefined): string {
  return value === undefined ? '-' : String(value)
}
