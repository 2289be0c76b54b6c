import type { Snapshot } from '../model/snapshot.ts'
import { orderBlocks } from './block-order.ts'
import { compatNames, compatTables } from './compat-tables.ts'
import { groupState, info, members, present, totalRecordsLag } from './consumer-lines.ts'
import { lagFamilies } from './families.ts'
import type { Granularity } from './granularity.ts'
import { judgementTable } from './judgement-lines.ts'
import { headText } from './label-text.ts'
import type { LimitReason, SeriesLimits } from './limits.ts'
import { chooseSeries } from './limits-choose.ts'
import type { Lines, OrderedSnapshot } from './lines.ts'
import { PageWriter } from './page-writer.ts'
import { logEndOffset, logStartOffset, position, recordsLag } from './partition-lines.ts'
import { type Slice, slicing } from './slices.ts'
import { type TableRow, viewOf } from './table.ts'
import { objectiveRecords, objectiveSeconds, partitions, topicRecordsLag } from './topic-lines.ts'
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
  [lagFamilies.recordsLag, recordsLag, undefined, 'consumers'],
  [lagFamilies.position, position, undefined, 'consumers'],
  [lagFamilies.topicRecordsLag, topicRecordsLag, undefined, 'consumers'],
  [lagFamilies.totalRecordsLag, totalRecordsLag],
  [lagFamilies.recordsLost, recordsLost, undefined, 'consumers'],
  ...judgementTable,
  [lagFamilies.readCommittedRecordsLag, readCommittedRecordsLag],
  [lagFamilies.coldRecords, coldRecords],
  [lagFamilies.lagBytes, lagBytes],
  [lagFamilies.partitions, partitions, undefined, 'consumers'],
  [lagFamilies.info, info],
  [lagFamilies.members, members],
  [lagFamilies.groupState, groupState],
  [lagFamilies.present, present],
  [lagFamilies.objectiveSeconds, objectiveSeconds],
  [lagFamilies.objectiveRecords, objectiveRecords],
  [lagFamilies.logStartOffset, logStartOffset, 'log', 'topics'],
  [lagFamilies.logEndOffset, logEndOffset, 'log', 'topics'],
]

/** A stretch of a page. */
export interface Stretch {
  /** Names the stretch in pages of the same shape; absent when it is made anew each time. */
  readonly key?: string
  /** Its text; absent when it is what the page before has under this key. To be read to its end before the next. */
  readonly chunks?: Iterable<Uint8Array>
}

/** What a page has to tell the one after it. */
export interface PageBefore {
  /** By cluster, view and what the slices are made of. */
  readonly slices: ReadonlyMap<string, readonly Slice[]>
  /** Lines of each stretch that has a key. */
  readonly lines: ReadonlyMap<string, number>
}

/**
 * The lag families of all snapshots in Prometheus' text format 0.0.4, stretch by stretch, in chunks of at most 256 KiB. A
 * step takes a few milliseconds, so whoever drives the generators can let others run in between; a chunk may be empty (a
 * step that only sorted). Bytes are deterministic: the same series come in the same order with the same label text,
 * scrape after scrape, which is what the cache of Prometheus lives from.
 *
 * @param before what rendering the page before returned: with it a slice of the page that would say the same again is
 *   not rendered. The tables and families must be the same.
 */
export function* renderStretches(
  snapshots: readonly Snapshot[],
  options: RenderOptions = {},
  before?: PageBefore,
): Generator<Stretch, PageBefore> {
  const page = new PageWriter()
  const { tables = ['lagkeeper'], families, onSeries } = options
  const table = tables
    .flatMap((name) => (name === 'lagkeeper' ? ownTable : compatTables[name]))
    .filter(([family]) => families?.has(family.name) !== false && isAskedFor(family, snapshots))
  const views: OrderedSnapshot[] = []
  for (const snapshot of snapshots.toSorted((a, b) => (a.kafkaCluster < b.kafkaCluster ? -1 : 1)))
    views.push({ snapshot, order: yield* inSteps(orderBlocks(snapshot)) })
  const chosen = yield* inSteps(chooseSeries(views, table, options))
  const slices = new Map<string, readonly Slice[]>()
  const lines = new Map<string, number>()
  for (const row of table) {
    const [family, write, , dependsOn] = row
    page.text(headText(family))
    yield { chunks: page.take() }
    for (const [index, { snapshot }] of views.entries()) {
      const view = chosen[index]![viewOf(row)]
      const cluster = snapshot.kafkaCluster
      let count = 0
      if (dependsOn === undefined) {
        yield { chunks: written(page, write, view) }
        count += page.takeLines()
      } else {
        const { kind, cut, bit } = slicing(dependsOn)
        const name = JSON.stringify([cluster, viewOf(row), kind])
        const cuts = slices.get(name) ?? (yield* inSteps(cut(view, before?.slices.get(name))))
        slices.set(name, cuts)
        for (const [at, slice] of cuts.entries()) {
          const key = JSON.stringify([family.name, cluster, at])
          const kept = (slice.same & bit) === bit ? before?.lines.get(key) : undefined
          if (kept === undefined) yield { key, chunks: written(page, write, slice.view) }
          else yield { key }
          const of = kept ?? page.takeLines()
          lines.set(key, of)
          count += of
        }
      }
      onSeries?.(cluster, family.name, count)
    }
  }
  return { slices, lines }
}

/** The whole page as chunks. */
export function* render(snapshots: readonly Snapshot[], options: RenderOptions = {}): Generator<Uint8Array, void> {
  for (const { chunks } of renderStretches(snapshots, options)) yield* chunks ?? []
}

function* written(page: PageWriter, write: Lines, view: OrderedSnapshot): Generator<Uint8Array, void> {
  yield* write(view, page)
  yield* page.take()
}

/** Lets others run at every step of a piece of work that writes nothing. */
function* inSteps<T>(work: Generator<void, T, void>): Generator<Stretch, T> {
  let step = work.next()
  for (; step.done !== true; step = work.next()) yield { chunks: nothing }
  return step.value
}

const nothing: readonly Uint8Array[] = [new Uint8Array(0)]
