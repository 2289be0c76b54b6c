import type { Snapshot } from '../model/snapshot.ts'
import { orderBlocks } from './block-order.ts'
import { groupState, info, members, present, totalRecordsLag } from './consumer-lines.ts'
import { type Family, lagFamilies } from './families.ts'
import { headText } from './label-text.ts'
import type { Lines, OrderedSnapshot } from './lines.ts'
import { PageWriter } from './page-writer.ts'
import { logEndOffset, logStartOffset, position, recordsLag } from './partition-lines.ts'
import { objectiveRecords, partitions, topicRecordsLag } from './topic-lines.ts'

export interface RenderOptions {
  /** Names of the families to print; all when absent. */
  readonly families?: ReadonlySet<string> | undefined
  /** Told how many series each printed family of each cluster has. */
  readonly onSeries?: ((kafkaCluster: string, family: string, count: number) => void) | undefined
}

const table: readonly (readonly [Family, Lines])[] = [
  [lagFamilies.recordsLag, recordsLag],
  [lagFamilies.position, position],
  [lagFamilies.topicRecordsLag, topicRecordsLag],
  [lagFamilies.totalRecordsLag, totalRecordsLag],
  [lagFamilies.partitions, partitions],
  [lagFamilies.info, info],
  [lagFamilies.members, members],
  [lagFamilies.groupState, groupState],
  [lagFamilies.present, present],
  [lagFamilies.objectiveRecords, objectiveRecords],
  [lagFamilies.logStartOffset, logStartOffset],
  [lagFamilies.logEndOffset, logEndOffset],
]

/**
 * The lag families of all snapshots in Prometheus' text format 0.0.4, as chunks of at most 256 KiB. A step takes a few
 * milliseconds, so whoever drives the generator can let others run in between; a chunk may be empty (a step that only
 * sorted). Bytes are deterministic: the same series come in the same order with the same label text, scrape after
 * scrape, which is what the cache of Prometheus lives from.
 */
export function* render(snapshots: readonly Snapshot[], options: RenderOptions = {}): Generator<Uint8Array, void> {
  const page = new PageWriter()
  const views: OrderedSnapshot[] = []
  for (const snapshot of snapshots.toSorted((a, b) => (a.kafkaCluster < b.kafkaCluster ? -1 : 1))) {
    const sorting = orderBlocks(snapshot)
    let step = sorting.next()
    for (; step.done !== true; step = sorting.next()) yield* page.take()
    views.push({ snapshot, order: step.value })
  }
  for (const [family, lines] of table) {
    if (options.families?.has(family.name) === false) continue
    page.text(headText(family))
    for (const view of views) {
      const before = page.lines
      yield* lines(view, page)
      options.onSeries?.(view.snapshot.kafkaCluster, family.name, page.lines - before)
    }
  }
  yield* page.take()
}
