import type { LimitReason } from '../exposition/limits.ts'
import { type PageBefore, type RenderOptions, renderStretches, type TableName } from '../exposition/render.ts'
import type { Snapshot } from '../model/snapshot.ts'
import {
  type Compressed,
  compress,
  type GzipPieces,
  gzipEnd,
  gzipHead,
  inflate,
  joinSums,
  noSum,
  readPieces,
  type TextStretch,
} from './gzip.ts'

export interface PageDeps {
  /** The daemon's own metrics in the text format. Asked once the lag families of the page are there. */
  readonly selfMetrics: () => Promise<string>
  /** The families of jobs; undefined, or absent, where no jobs are looked for. */
  readonly jobs?: () => GzipPieces | undefined
  /** Names of the lag families to print; all when absent. */
  readonly families?: ReadonlySet<string>
  /** How to print; another object than before makes every page anew. */
  readonly rules?: () => PageRules
}

/** What the configuration says about pages. */
export interface PageRules extends Pick<RenderOptions, 'granularity' | 'limits'> {
  /** The sets of names on a page that does not ask for others. */
  readonly tables: readonly TableName[]
}

/** A page of some clusters and sets of names, as far as it is made. */
interface MadePage {
  readonly clusters: readonly string[]
  readonly tables: readonly TableName[]
  /** Which snapshots it shows. */
  readonly version: string
  readonly gzip: GzipPieces
  /** What the page after it need not make again; empty until it is made. Holds the snapshots that it shows. */
  readonly kept: KeptStretches
  /** Of its newest snapshot, in monotonic milliseconds. */
  readonly takenAt: number
  isRead: boolean
}

interface KeptStretches {
  before: PageBefore | undefined
  readonly stretches: Map<string, Compressed>
}

const ownNames: PageRules = { tables: ['lagkeeper'] }

interface SeriesCount {
  readonly kafkaCluster: string
  readonly family: string
  readonly count: number
}

interface DroppedCount {
  readonly kafkaCluster: string
  readonly reason: LimitReason
  readonly count: number
}

/** The metrics page: rendered and compressed once for each set of snapshots, however many read it at once. */
export interface Page {
  /**
   * One gzip member, piece by piece.
   *
   * @param tables the sets of names to print, in place of those that the rules say; jobs and the daemon's own metrics
   *   stand beside our own names only
   * @param withJobs whether the families of jobs stand on it
   */
  gzip(snapshots: readonly Snapshot[], tables?: readonly TableName[], withJobs?: boolean): AsyncIterable<Uint8Array>
  /** The same as text. */
  identity(snapshots: readonly Snapshot[], tables?: readonly TableName[], withJobs?: boolean): AsyncIterable<Uint8Array>
  /**
   * To be called when a cluster has a new snapshot: each page that shows this cluster alone and was read since it was
   * made is made anew at once, so that its next reader need not wait. One that nobody reads any more costs nothing, and
   * one of several clusters is left to its reader, or each of their cycles would make it.
   */
  prepare(snapshot: Snapshot): void
  /** How many series each family had when its cluster was last rendered. */
  series(): readonly SeriesCount[]
  /** How many series of each cluster a limit left out, on the last page of each set of names together. */
  dropped(): readonly DroppedCount[]
}

/**
 * Creates the page. Of the text only the compressed pieces are kept, a fifteenth of it: a slow reader holds one of them
 * open, and a reader of plain text gets each opened for it. The snapshots of a page are kept for as long as the next one
 * may be compared with them.
 */
export function createPage(deps: PageDeps): Page {
  /** The last pages, by their names. */
  const made = new Map<string, MadePage>()
  const counts = new Map<string, Map<string, number>>()
  const droppedOf = new Map<string, DroppedCount>()
  let last = ownNames

  function rulesNow(): PageRules {
    const rules = deps.rules?.() ?? ownNames
    if (rules === last) return rules
    last = rules
    made.clear()
    counts.clear()
    droppedOf.clear()
    return rules
  }

  function shared(snapshots: readonly Snapshot[], tables: readonly TableName[], rules: PageRules): MadePage {
    const clusters = snapshots.map(({ kafkaCluster }) => kafkaCluster)
    const name = JSON.stringify([tables, clusters])
    const version = JSON.stringify(snapshots.map(({ cycle, takenAt }) => [cycle, takenAt]))
    const found = made.get(name)
    if (found?.version === version) return found
    const kept: KeptStretches = { before: undefined, stretches: new Map() }
    const gzip = compress(counted(snapshots, tables, rules, found?.kept, kept))
    const takenAt = Math.max(...snapshots.map((snapshot) => snapshot.takenAt))
    const page = { clusters, tables, version, gzip, kept, takenAt, isRead: false }
    made.delete(name)
    made.set(name, page)
    // Clusters come and go with the configuration; the pages of those that are gone are the oldest here.
    if (made.size > MAX_PAGES) made.delete(made.keys().next().value ?? name)
    return page
  }

  function read(snapshots: readonly Snapshot[], tables: readonly TableName[], rules: PageRules): GzipPieces {
    const page = shared(snapshots, tables, rules)
    page.isRead = true
    return page.gzip
  }

  /** Stretches of a page; those that say what the page before said come as they were compressed then. */
  function* counted(
    snapshots: readonly Snapshot[],
    tables: readonly TableName[],
    rules: PageRules,
    past: KeptStretches | undefined,
    kept: KeptStretches,
  ): Generator<TextStretch | Compressed, void> {
    const series: SeriesCount[] = []
    const dropped: DroppedCount[] = []
    const options: RenderOptions = {
      ...rules,
      tables,
      families: deps.families,
      onSeries: (kafkaCluster, family, count) => series.push({ kafkaCluster, family, count }),
      onDropped: (kafkaCluster, reason, count) => dropped.push({ kafkaCluster, reason, count }),
    }
    const stretches = renderStretches(snapshots, options, past?.before)
    let step = stretches.next()
    for (; step.done !== true; step = stretches.next()) {
      const { key, chunks } = step.value
      if (chunks !== undefined)
        yield { chunks, ...(key !== undefined && { onCompressed: (made) => void kept.stretches.set(key, made) }) }
      else if (key !== undefined) {
        const made = past!.stretches.get(key)!
        kept.stretches.set(key, made)
        yield made
      }
    }
    kept.before = step.value
    if (rules !== last) return
    for (const { kafkaCluster, family, count } of series) {
      const ofCluster = counts.get(kafkaCluster) ?? new Map<string, number>()
      counts.set(kafkaCluster, ofCluster.set(family, count))
    }
    for (const one of dropped) droppedOf.set(JSON.stringify([tables, one.kafkaCluster, one.reason]), one)
  }

  function jobsOn(tables: readonly TableName[], withJobs: boolean): GzipPieces | undefined {
    return withJobs && tables.includes('lagkeeper') ? deps.jobs?.() : undefined
  }

  async function selfText(tables: readonly TableName[]): Promise<string> {
    if (!tables.includes('lagkeeper')) return ''
    const text = await deps.selfMetrics()
    return text === '' || text.endsWith('\n') ? text : `${text}\n`
  }

  return {
    async *gzip(snapshots, wanted, withJobs = false) {
      const rules = rulesNow()
      const tables = wanted ?? rules.tables
      const gzip = read(snapshots, tables, rules)
      yield gzipHead
      yield* readPieces(gzip)
      const jobs = jobsOn(tables, withJobs)
      if (jobs !== undefined) yield* readPieces(jobs)
      // Both are made to their ends.
      const sum = joinSums(gzip.sum() ?? noSum, jobs?.sum() ?? noSum)
      yield gzipEnd(sum, Buffer.from(await selfText(tables)))
    },
    async *identity(snapshots, wanted, withJobs = false) {
      const rules = rulesNow()
      const tables = wanted ?? rules.tables
      for await (const piece of readPieces(read(snapshots, tables, rules))) yield await inflate(piece)
      const jobs = jobsOn(tables, withJobs)
      if (jobs !== undefined) for await (const piece of readPieces(jobs)) yield await inflate(piece)
      yield Buffer.from(await selfText(tables))
    },
    prepare: (snapshot) => {
      const rules = rulesNow()
      for (const { clusters, tables, kept, takenAt, isRead } of [...made.values()]) {
        if (isRead && clusters.length === 1 && clusters[0] === snapshot.kafkaCluster) shared([snapshot], tables, rules)
        // One that is still being made is left alone: what it has and what it says that it has must agree.
        else if (kept.before !== undefined && snapshot.takenAt - takenAt > FORGET_MS) {
          kept.before = undefined
          kept.stretches.clear()
        }
      }
    },
    series: () =>
      [...counts].flatMap(([kafkaCluster, families]) =>
        [...families].map(([family, count]) => ({ kafkaCluster, family, count })),
      ),
    dropped: () => {
      const sums = new Map<string, DroppedCount>()
      for (const one of droppedOf.values()) {
        const key = JSON.stringify([one.kafkaCluster, one.reason])
        sums.set(key, { ...one, count: one.count + (sums.get(key)?.count ?? 0) })
      }
      return [...sums.values()]
    },
  }
}

const MAX_PAGES = 64
/** Nobody scrapes that seldom: a page that was read once shall not hold its snapshots for ever. */
const FORGET_MS = 300_000
