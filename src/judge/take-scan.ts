import type { ConsumerKind } from '../model/consumer.ts'
import { addSample, firstSample, RATE_MS } from './block-samples.ts'
import type { BlockScan } from './block-scan.ts'
import { addToFloors } from './floors.ts'
import { clearEntries } from './moment-list.ts'
import { floorsOf, type Movement, movesOf, samplesOf, takeBack, takeMove } from './movement.ts'

export interface ScanFacts {
  readonly kind: ConsumerKind
  readonly holds: 'position' | 'lag'
  /** Records; undefined when not known. */
  readonly lag: number | undefined
  readonly now: number
  /** How long each stretch of the floor is. */
  readonly stretchMs: number
}

/** What the scan of a block found becomes part of what is known of the movement. */
export function takeScan(movement: Movement, scan: BlockScan, { kind, holds, lag, now, stretchMs }: ScanFacts): void {
  const { positions, ends, isWhole } = scan
  const { numbers } = movement
  const spanMs = spanOf(movement)
  if (scan.isBack) takeBack(movement, now, kind !== 'flink' || isRewind(movement, scan))
  else if (scan.isForward) {
    takeMove(movement, now)
    if (isWhole) addSample(numbers, movesOf, now, positions, ends, spanMs)
  }
  // A partition that joins later would look like records that arrived.
  if (scan.isWider) {
    clearEntries(numbers, samplesOf)
    clearEntries(numbers, movesOf)
  }
  if (!scan.isBehind) movement.waitsSince = now
  movement.lastAt = now
  if (!isWhole && holds === 'position') return
  addSample(numbers, samplesOf, now, positions, ends, spanMs)
  if (lag === undefined) return
  addToFloors(numbers, floorsOf, now, lag, scan.isTimed ? scan.guess / 1_000 : Number.NaN, ends, stretchMs)
}

/** What rates are measured over, in milliseconds. */
export function spanOf({ stepMs }: Movement): number {
  return Math.max(RATE_MS, 2 * (stepMs ?? 0))
}

/**
 * A Flink job that was restored reads what came since its last checkpoint once more, and its position is known from its
 * commit until the first record: both are steps back that nobody asked for. One behind all of the last minutes is another
 * thing.
 */
function isRewind({ numbers }: Movement, { isWhole, positions }: BlockScan): boolean {
  const oldest = firstSample(numbers, movesOf)
  return oldest !== undefined && isWhole && positions < oldest.positions
}
