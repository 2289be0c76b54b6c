import type { Consumer } from '../model/consumer.ts'
import { batchColumns, type PositionBatch } from '../model/position-batch.ts'

/**
 * The batch with these blocks and consumers alone.
 *
 * @param keep blocks in ascending order, of such consumers only
 * @param own by consumer, whether it stays
 */
export function onlyBlocks(batch: PositionBatch, keep: readonly number[], own: readonly boolean[]): PositionBatch {
  const rows = keep.reduce((sum, block) => sum + batch.blockFirst[block + 1]! - batch.blockFirst[block]!, 0)
  const columns = batchColumns(keep.length, rows)
  const moved = new Map<number, number>()
  const consumers: Consumer[] = []
  for (const [index, consumer] of batch.consumers.entries())
    if (own[index]) moved.set(index, consumers.push(consumer) - 1)
  let row = 0
  for (const [index, block] of keep.entries()) {
    const from = batch.blockFirst[block]!
    const to = batch.blockFirst[block + 1]!
    columns.blockConsumer[index] = moved.get(batch.blockConsumer[block]!)!
    columns.blockTopic[index] = batch.blockTopic[block]!
    columns.blockFirst[index] = row
    columns.partition.set(batch.partition.subarray(from, to), row)
    columns.value.set(batch.value.subarray(from * 2, to * 2), row * 2)
    columns.epoch.set(batch.epoch.subarray(from, to), row)
    columns.reason.set(batch.reason.subarray(from, to), row)
    row += to - from
  }
  columns.blockFirst[keep.length] = row
  return { ...batch, ...columns, consumers }
}
