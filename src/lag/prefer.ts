import { batchColumns, type PositionBatch } from '../model/position-batch.ts'

/**
 * The batches of several sources as one list in which no (consumer, topic) stands twice: sources come best first, and a
 * block that a better one has already is left out.
 */
export function prefer(sources: readonly (readonly PositionBatch[])[]): PositionBatch[] {
  if (sources.length === 1) return [...sources[0]!]
  const taken = new Set<string>()
  const chosen: PositionBatch[] = []
  for (const batches of sources) {
    const mine: string[] = []
    for (const batch of batches) {
      const keep: number[] = []
      for (let block = 0; block < batch.blockConsumer.length; block++) {
        const key = `${batch.consumers[batch.blockConsumer[block]!]!.name}\n${batch.topics[batch.blockTopic[block]!]!.name}`
        if (taken.has(key)) continue
        mine.push(key)
        keep.push(block)
      }
      chosen.push(keep.length === batch.blockConsumer.length ? batch : onlyBlocks(batch, keep))
    }
    for (const key of mine) taken.add(key)
  }
  return chosen
}

function onlyBlocks(batch: PositionBatch, keep: readonly number[]): PositionBatch {
  const rows = keep.reduce((sum, block) => sum + batch.blockFirst[block + 1]! - batch.blockFirst[block]!, 0)
  const columns = batchColumns(keep.length, rows)
  let row = 0
  for (const [index, block] of keep.entries()) {
    const from = batch.blockFirst[block]!
    const to = batch.blockFirst[block + 1]!
    columns.blockConsumer[index] = batch.blockConsumer[block]!
    columns.blockTopic[index] = batch.blockTopic[block]!
    columns.blockFirst[index] = row
    columns.partition.set(batch.partition.subarray(from, to), row)
    columns.value.set(batch.value.subarray(from * 2, to * 2), row * 2)
    columns.epoch.set(batch.epoch.subarray(from, to), row)
    columns.reason.set(batch.reason.subarray(from, to), row)
    row += to - from
  }
  columns.blockFirst[keep.length] = row
  return { ...batch, ...columns }
}
