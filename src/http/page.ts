import { render } from '../exposition/render.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { compress, type GzipPieces, gzipEnd, gzipHead, inflate, readPieces } from './gzip.ts'

export interface PageDeps {
  /** The daemon's own metrics in the text format. Asked once the lag families of the page are there. */
  readonly selfMetrics: () => Promise<string>
  /** Names of the lag families to print; all when absent. */
  readonly families?: ReadonlySet<string>
}

interface SeriesCount {
  readonly kafkaCluster: string
  readonly family: string
  readonly count: number
}

/** The metrics page: rendered and compressed once for each set of snapshots, however many read it at once. */
export interface Page {
  /** One gzip member, piece by piece. */
  gzip(snapshots: readonly Snapshot[]): AsyncIterable<Uint8Array>
  /** The same as text. */
  identity(snapshots: readonly Snapshot[]): AsyncIterable<Uint8Array>
  /** How many series each family had when its cluster was last rendered. */
  series(): readonly SeriesCount[]
}

/**
 * Creates the page. Only the compressed pieces are kept, a fifteenth of the text: a slow reader holds one of them open,
 * a reader of plain text gets each opened for it, and nobody holds a snapshot.
 */
export function createPage(deps: PageDeps): Page {
  /** The last page by the names of its clusters, with the versions of the snapshots that it shows. */
  const made = new Map<string, { readonly version: string; readonly gzip: GzipPieces }>()
  const counts = new Map<string, readonly SeriesCount[]>()

  function shared(snapshots: readonly Snapshot[]): GzipPieces {
    const name = JSON.stringify(snapshots.map((snapshot) => snapshot.kafkaCluster))
    const version = JSON.stringify(snapshots.map(({ cycle, takenAt }) => [cycle, takenAt]))
    const found = made.get(name)
    if (found?.version === version) return found.gzip
    const gzip = compress(counted(snapshots))
    made.delete(name)
    made.set(name, { version, gzip })
    // Clusters come and go with the configuration; the pages of those that are gone are the oldest here.
    if (made.size > MAX_PAGES) made.delete(made.keys().next().value ?? name)
    return gzip
  }

  function* counted(snapshots: readonly Snapshot[]): Generator<Uint8Array, void> {
    const found: SeriesCount[] = []
    yield* render(snapshots, {
      families: deps.families,
      onSeries: (kafkaCluster, family, count) => found.push({ kafkaCluster, family, count }),
    })
    for (const { kafkaCluster } of snapshots)
      counts.set(
        kafkaCluster,
        found.filter((one) => one.kafkaCluster === kafkaCluster),
      )
  }

  async function selfText(): Promise<string> {
    const text = await deps.selfMetrics()
    return text === '' || text.endsWith('\n') ? text : `${text}\n`
  }

  return {
    async *gzip(snapshots) {
      const gzip = shared(snapshots)
      yield gzipHead
      yield* readPieces(gzip)
      yield await gzipEnd(gzip.sum() ?? { crc: 0, bytes: 0 }, Buffer.from(await selfText()))
    },
    async *identity(snapshots) {
      for await (const piece of readPieces(shared(snapshots))) yield await inflate(piece)
      yield Buffer.from(await selfText())
    },
    series: () => [...counts.values()].flat(),
  }
}

const MAX_PAGES = 64
