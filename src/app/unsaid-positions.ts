import type { FlinkPage } from '../flink/flink-page.ts'
import { positionOf } from '../positions/flink-gauges.ts'

/**
 * The sources on a page that do not say of every partition where they are, as from their start until their first record;
 * empty when all do. A process without any source may not have been given its tasks yet.
 */
export function unsaidPositions({ partitions }: FlinkPage): string {
  if (partitions.length === 0) return 'sources'
  const sources = new Set<string>()
  for (const reading of partitions) {
    if (positionOf(reading) !== undefined) continue
    const { jobId, operatorId, subtask, attempt } = reading.operator
    sources.add(`${jobId} ${operatorId} ${subtask} ${attempt}`)
  }
  return [...sources].join()
}
