import type { KafkaCluster } from '../kafka/cluster.ts'
import { questionKey, readEpochEnds } from '../kafka/epoch-ends.ts'
import { type JoinInput, join } from '../lag/join.ts'
import { beyondEnd, markTruncated } from '../lag/truncation.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { breather } from '../runtime/breathe.ts'

/** Positions past the log end that the leaders are asked about in one cycle. */
const EPOCH_QUESTIONS = 1_000

/** Joins the batches of a cycle one by one; others run in between. */
export async function joinAll(
  cluster: KafkaCluster,
  batches: Iterable<PositionBatch>,
  input: JoinInput,
  signal: AbortSignal,
): Promise<readonly SnapshotPart[]> {
  const breathe = breather()
  const parts: SnapshotPart[] = []
  for (const batch of batches) {
    parts.push(join(batch, input))
    await breathe()
  }
  return withTruncated(cluster, parts, input, signal)
}

/** Positions past the end are the rare case in which one more question tells why. */
async function withTruncated(
  cluster: KafkaCluster,
  parts: readonly SnapshotPart[],
  { catalog, ends }: JoinInput,
  signal: AbortSignal,
): Promise<readonly SnapshotPart[]> {
  const rows = beyondEnd(parts, catalog, ends, EPOCH_QUESTIONS)
  if (rows.length === 0) return parts
  const epochEnds = await readEpochEnds(cluster, catalog, rows, signal)
  const truncated = rows.filter((row) => (epochEnds.get(questionKey(row)) ?? row.position) < row.position)
  return markTruncated(parts, truncated)
}
