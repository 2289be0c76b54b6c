import { type LagRow, lagRows } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'

/** `consumer topic/partition` to the lag, the reason, or both for a held row. */
export function shown(snapshot: Snapshot): Record<string, string> {
  const one = ({ recordsLag, reason, takenAt }: LagRow): string =>
    [recordsLag === undefined ? '-' : String(recordsLag), reason, takenAt === undefined ? undefined : 'held']
      .filter(Boolean)
      .join(' ')
  return Object.fromEntries(
    [...lagRows(snapshot)].map((row) => [`${row.consumer} ${row.topic}/${row.partition}`, one(row)]),
  )
}
