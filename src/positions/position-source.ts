import type { Catalog } from '../model/catalog.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'

/** Where positions come from. A member remembers what it needs between calls and never computes a lag. */
export interface PositionSource {
  readonly name: string
  /**
   * Reads every position that it can learn now.
   *
   * At most one row per (consumer, topic, partition), and a row for each partition that the consumer is expected to
   * have a position for (committed, assigned or configured): one without a position says why. A consumer without rows
   * still stands in a batch's list of consumers. A consumer that could not be read at all is a Problem that names it;
   * one that is in neither is gone. Rejects only when the signal aborts, or with an InvariantError.
   */
  collect(
    catalog: Catalog,
    signal: AbortSignal,
  ): Promise<{ readonly batches: readonly PositionBatch[]; readonly problems: readonly Problem[] }>
}
