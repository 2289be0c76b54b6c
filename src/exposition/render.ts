import type { Snapshot } from '../model/snapshot.ts'
import { orderBlocks } from './block-order.ts'
import { compatNames, compatTables } from './compat-tables.ts'
import { groupState, info, members, present, totalRecordsLag } from './consumer-lines.ts'
import { lagFamilies } from './families.ts'
import type { Granularity } from './granularity.ts'
import { headText } from './label-text.ts'
import type { LimitReason, SeriesLimits } from './limits.ts'
import { chooseSeries } from './limits-choose.ts'
import type { OrderedSnapshot } from './lines.ts'
import { PageWriter } from './page-writer.ts'
import { logEndOffset, logStartOffset, position, recordsLag } from './partition-lines.ts'
import { type TableRow, viewOf } from './table.ts'
import { objectiveRecords, partitions, topicRecordsLag } from './topic-lines.ts'
import { coldRecords, isAskedFor, lagBytes, readCommittedRecordsLag, recordsLost } from './view-lines.ts'

/** The sets of names that a page can have: our own, and those of other exporters. */
export const tableNames = ['lagkeeper', ...compatNames] as const
export type TableName = (typeof tableNames)[number]

export interface RenderOptions {
  /** Which sets of names to print; our own when absent. */
  readonly tables?: readonly TableName[] | undefined
  /** Names of the families to print; all when absent. */
  readonly families?: ReadonlySet<string> | undefined
  /** How finely a consumer is printed; with its partitions when absent. */
  readonly granularity?: ((kafkaCluster: string, consumer: string) => Granularity) | undefined
  /** Most series; no limit when absent. */
  readonly limits?: SeriesLimits | undefined
  /** Told how many series each printed family of each cluster has. */
  readonly onSeries?: ((kafkaCluster: string, family: string, count: number) => void) | undefined
  /** Told how many series of each cluster each limit left out, 0 included. */
  readonly onDropped?: ((kafkaCluster: string, reason: LimitReason, count: number) => void) | undefined
}

const ownTable: readonly TableRow[] = [
  [lagFamilies.recordsLag, recordsLag],
  [lagFamilies.position, position],
  [lagFamilies.topicRecordsLag, topicRecordsLag],
  [lagFamilies.totalRecordsLag, totalRecordsLag],
  [lagFamilies.recordsLost, recordsLost],
  [lagFamilies.readCommittedRecordsLag, readCommittedRecordsLag],
  [lagFamilies.coldRecords, coldRecords],
  [lagFamilies.lagBytes, lagBytes],
  [lagFamilies.partitions, partitions],
  [lagFamilies.info, info],
  [lagFamilies.members, members],
  [lagFamilies.groupState, groupState],
  [lagFamilies.present, present],
  [lagFamilies.objectiveRecords, objectiveRecords],
  [lagFamilies.logStartOffset, logStartOffset, 'log'],
  [lagFamilies.logEndOffset, logEndOffset, 'log'],
]

/**
 * The lag families of all snapshots in Prometheus' text format 0.0.4, as chunks of at most 256 KiB. A step takes a few
 * milliseconds, so whoever drives the generator can let others run in between; a chunk may be empty (a step that only
 * sorted). Bytes are deterministic: the same series come in the same order with the same label text, scrape after
 * scrape, which is what the cache of Prometheus lives from.
 */
export function* render(snapshots: readonly Snapshot[], options: RenderOptions = {}): Generator<Uint8Array, void> {
  const page = new PageWriter()
  const { tables = ['lagkeeper'], families, onSeries } = options
  const table = tables
    .flatMap((name) => (name === 'lagkeeper' ? ownTable : compatTables[name]))
    .filter(([family]) => families?.has(family.name) !== false && isAskedFor(family, snapshots))
  const views: OrderedSnapshot[] = []
  for (const snapshot of snapshots.toSorted((a, b) => (a.kafkaCluster < b.kafkaCluster ? -1 : 1)))
    views.push({ snapshot, order: yield* inSteps(page, orderBlocks(snapshot)) })
  const chosen = yield* inSteps(page, chooseSeries(views, table, options))
  for (const row of table) {
    const [family, lines] = row
    page.text(headText(family))
    for (const [index, { snapshot }] of views.entries()) {
      const before = page.lines
      yield* lines(chosen[index]![viewOf(row)], page)
      onSeries?.(snapshot.kafkaCluster, family.name, page.lines - before)
    }
  }
  yield* page.take()
}

/** Lets others run at every step of a piece of work that writes nothing. */
function* inSteps<T>(page: PageWriter, work: Generator<void, T, void>): Generator<Uint8Array, T> {
  let step = work.next()
  for (; step.done !== true; step = work.next()) yield* page.take()
  return step.value
}
