import type { Consumer } from '../model/consumer.ts'
import type { ConsumerTotal, SnapshotPart } from '../model/snapshot.ts'

/**
 * Adds the blocks of every consumer up, over all parts. A consumer has a total only when each of its blocks has one (I3).
 *
 * @param listed consumers that exist without any row, such as a group that has never committed
 * @param vanished consumers that were there and are gone
 */
export function consumerTotals(
  parts: readonly SnapshotPart[],
  listed: readonly Consumer[],
  vanished: readonly Consumer[],
): readonly ConsumerTotal[] {
  const totals = new Map<string, { consumer: Consumer; lag: number; complete: boolean; blocks: number }>()
  for (const { batch, blockLag, blockComplete } of parts) {
    for (let block = 0; block < blockLag.length; block++) {
      const consumer = batch.consumers[batch.blockConsumer[block]!]!
      const total = totals.get(consumer.name) ?? {
        ...{ consumer, lag: 0, blocks: 0 },
        // What is hidden from us could be anything.
        complete: consumer.partial !== true,
      }
      totals.set(consumer.name, total)
      total.lag += blockLag[block]!
      total.complete &&= blockComplete[block] === 1
      total.blocks++
    }
  }
  for (const consumer of listed)
    if (!totals.has(consumer.name)) totals.set(consumer.name, { consumer, lag: 0, complete: false, blocks: 0 })
  const present = [...totals.values()].map(
    ({ consumer, lag, complete }): ConsumerTotal =>
      complete ? { consumer, lag, present: true } : { consumer, present: true },
  )
  const gone = vanished
    .filter((consumer) => !totals.has(consumer.name))
    .map((consumer): ConsumerTotal => ({ consumer, present: false }))
  return [...present, ...gone].sort((a, b) => (a.consumer.name < b.consumer.name ? -1 : 1))
}
