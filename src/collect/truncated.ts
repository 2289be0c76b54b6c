import type { KafkaCluster } from '../kafka/cluster.ts'
import { questionKey, readEpochEnds } from '../kafka/epoch-ends.ts'
import type { JoinInput } from '../lag/join.ts'
import { beyondEnd, markTruncated } from '../lag/truncation.ts'
import type { SnapshotPart } from '../model/snapshot.ts'

/** Positions past the log end that the leaders are asked about in one cycle. */
const EPOCH_QUESTIONS = 1_000

/** Positions past the end are the rare case in which one more question tells why: whether the log was cut there. */
export async function withTruncated(
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
