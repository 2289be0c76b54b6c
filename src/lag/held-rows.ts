import { type OffsetColumn, offsetColumn } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import { type HeldRows, heldIndex, isFresh, type Snapshot } from '../model/snapshot.ts'
import type { PreviousBlock } from './previous.ts'

/** Collects rows of an earlier cycle, whole, as columns: an outage holds every row there is. */
export interface HeldWriter {
  /**
   * Takes the earlier row `then` for a row of this cycle, which come in ascending order, when it had a lag (its own, or one
   * that it held itself) that was taken after `since`. Returns that lag, else undefined.
   */
  hold(row: number, previous: Snapshot, found: PreviousBlock, then: number, since: number): number | undefined
  done(): HeldRows
}

export const nothingHeld: HeldRows = emptyColumns(0)

export function createHeldWriter(): HeldWriter {
  let held = nothingHeld
  let size = 0

  function next(): number {
    if (size === held.row.length) held = resized(held, Math.max(256, size * 2))
    return size++
  }

  return {
    hold: (row, previous, { part, block }, then, since) => {
      const earlier = heldIndex(part, then)
      if (earlier >= 0) {
        if (part.held.takenAt[earlier]! < since) return undefined
        const at = next()
        held.row[at] = row
        copyOffset(part.held.position, earlier, held.position, at)
        copyOffset(part.held.start, earlier, held.start, at)
        copyOffset(part.held.end, earlier, held.end, at)
        held.lag[at] = part.held.lag[earlier]!
        held.positioned[at] = part.held.positioned[earlier]!
        held.takenAt[at] = part.held.takenAt[earlier]!
        return held.lag[at]
      }
      const topic = previous.catalog.topics[part.catalogTopic[part.batch.blockTopic[block]!]!]
      if (!isFresh(part, then) || topic === undefined || part.batch.takenAt < since) return undefined
      const log = topic.firstRow + part.batch.partition[then]!
      const at = next()
      held.row[at] = row
      if (part.batch.reason[then] === KNOWN) {
        held.positioned[at] = 1
        copyOffset(part.batch.value, then, held.position, at)
      }
      copyOffset(previous.starts.offset, log, held.start, at)
      copyOffset(previous.ends.offset, log, held.end, at)
      held.lag[at] = part.lag[then]!
      held.takenAt[at] = part.batch.takenAt
      return held.lag[at]
    },
    done: () => (size === 0 ? nothingHeld : resized(held, size)),
  }
}

function copyOffset(from: OffsetColumn, at: number, to: OffsetColumn, index: number): void {
  to[index * 2] = from[at * 2]!
  to[index * 2 + 1] = from[at * 2 + 1]!
}

function emptyColumns(rows: number): HeldRows {
  return {
    row: new Uint32Array(rows),
    position: offsetColumn(rows),
    start: offsetColumn(rows),
    end: offsetColumn(rows),
    lag: new Float64Array(rows),
    positioned: new Uint8Array(rows),
    takenAt: new Float64Array(rows),
  }
}

function resized(held: HeldRows, rows: number): HeldRows {
  const made = emptyColumns(rows)
  const most = Math.min(rows, held.row.length)
  made.row.set(held.row.subarray(0, most))
  made.position.set(held.position.subarray(0, most * 2))
  made.start.set(held.start.subarray(0, most * 2))
  made.end.set(held.end.subarray(0, most * 2))
  made.lag.set(held.lag.subarray(0, most))
  made.positioned.set(held.positioned.subarray(0, most))
  made.takenAt.set(held.takenAt.subarray(0, most))
  return made
}
