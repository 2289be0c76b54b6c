import type { Consumer } from '../model/consumer.ts'
import { type Status, worse } from '../model/judgement.ts'
import { statusAt } from '../model/judgements.ts'
import type { ConsumerTotal, SnapshotPart } from '../model/snapshot.ts'

type Draft = { -readonly [Field in keyof ConsumerTotal]: ConsumerTotal[Field] }

interface Total {
  readonly consumer: Consumer
  lag: number
  complete: boolean
  status: Status | undefined
}

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
  const totals = new Map<string, Total>()
  for (const { batch, blockLag, blockComplete, judgements } of parts) {
    // The blocks of a consumer follow each other.
    let last = -1
    let total: Total | undefined
    for (let block = 0; block < blockLag.length; block++) {
      const index = batch.blockConsumer[block]!
      if (total === undefined || index !== last) {
        const consumer = batch.consumers[index]!
        total = totals.get(consumer.name)
        if (total === undefined) {
          // What is hidden from us could be anything.
          total = { consumer, lag: 0, complete: consumer.partial !== true, status: undefined }
          totals.set(consumer.name, total)
        }
        last = index
      }
      total.lag += blockLag[block]!
      total.complete &&= blockComplete[block] === 1
      const status = judgements && statusAt(judgements, block)
      if (status !== undefined && total.status !== status)
        total.status = total.status === undefined ? status : worse(total.status, status)
    }
  }
  for (const consumer of listed)
    if (!totals.has(consumer.name)) totals.set(consumer.name, { consumer, lag: 0, complete: false, status: undefined })
  const present = [...totals.values()].map(({ consumer, lag, complete, status }): ConsumerTotal => {
    const total: Draft = { consumer, present: true }
    if (complete) total.lag = lag
    if (status !== undefined) total.status = status
    return total
  })
  const gone = vanished
    .filter((consumer) => !totals.has(consumer.name))
    .map((consumer): ConsumerTotal => ({ consumer, present: false }))
  return [...present, ...gone].sort((a, b) => (a.consumer.name < b.consumer.name ? -1 : 1))
}
