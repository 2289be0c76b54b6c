import type { Catalog } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import { difference, offsetAt } from '../model/offsets.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN } from '../model/reason.ts'

/**
 * A problem when logs end before they start, which no log does: the join takes their ends for unknown. One for all of
 * them. Logs that have just lost their tail, or are of another topic now, are left out: there the start is the old one.
 *
 * Yields at each topic, so that others can run in between.
 *
 * @param fallen by catalog topic, from `fallenTopics`
 */
export function* impossibleEnds(
  catalog: Catalog,
  starts: LogOffsetColumn,
  ends: LogOffsetColumn,
  fallen: Uint8Array,
): Generator<void, readonly Problem[]> {
  let rows = 0
  let first = ''
  for (const [index, topic] of catalog.topics.entries()) {
    yield
    if (fallen[index] === 1) continue
    for (let partition = 0; partition < topic.partitions; partition++) {
      const row = topic.firstRow + partition
      if ((starts.reason[row]! | ends.reason[row]!) !== KNOWN) continue
      if (difference(ends.offset, row, starts.offset, row) >= 0) continue
      if (rows++ > 0) continue
      first = `"${topic.name}" ${partition}: from ${offsetAt(starts.offset, row)} to ${offsetAt(ends.offset, row)}`
    }
  }
  if (rows === 0) return []
  return [
    {
      reason: 'end_unknown',
      message: `Log offsets: ${rows === 1 ? 'a log ends' : `${rows} logs end`} before the start, ${rows === 1 ? '' : 'such as '}${first}`,
    },
  ]
}
