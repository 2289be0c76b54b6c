import type { KafkaCluster } from '../kafka/cluster.ts'
import { type LogSide, readLogOffsets } from '../kafka/read-log-offsets.ts'
import { readLogSizes } from '../kafka/read-log-sizes.ts'
import { realign, realignNumbers } from '../lag/align.ts'
import type { Previous } from '../lag/previous.ts'
import { recordBytes, withViews } from '../lag/views.ts'
import { type Catalog, emptyCatalog } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import type { Problem } from '../model/problem.ts'
import type { KnownNumbers, LogViews, SnapshotPart } from '../model/snapshot.ts'
import { runInTurns } from '../runtime/breathe.ts'
import { createControlRecords } from './control-records.ts'

/** Further looks at the lag, each of which costs requests of its own. */
export interface ViewOptions {
  readonly readCommitted: boolean
  readonly coldRecords: boolean
  readonly lagBytes: boolean
  readonly controlRecords: boolean
}

/** What a cycle knows once its batches are joined. */
export interface ViewedLogs {
  readonly catalog: Catalog
  readonly starts: LogOffsetColumn
  readonly ends: LogOffsetColumn
  readonly previous: Previous | undefined
  /** The catalog as the metadata has it by now. */
  readonly latest: () => Catalog
}

export interface Viewed {
  readonly parts: readonly SnapshotPart[]
  readonly views?: LogViews
  readonly problems?: readonly Problem[]
}

export interface Views {
  /** Reads what is due in this cycle, after its log ends, and gives the parts as the views have them. */
  look(parts: readonly SnapshotPart[], logs: ViewedLogs, signal: AbortSignal): Promise<Viewed>
}

/** Sizes and local log starts change slowly: they are read in the first cycle and then in every fourth. */
const SELDOM = 4

/** Undefined when no view is wanted: then a cycle pays nothing for them. */
export function createViews(
  cluster: KafkaCluster,
  options: ViewOptions,
  noPosition: (consumer: string) => NoPositionPolicy,
): Views | undefined {
  const { readCommitted, coldRecords, lagBytes, controlRecords } = options
  if (!readCommitted && !coldRecords && !lagBytes && !controlRecords) return undefined
  const control = readCommitted || controlRecords ? createControlRecords(cluster, controlRecords) : undefined
  let kept: { catalog: Catalog; local?: LogOffsetColumn; bytes?: KnownNumbers } = { catalog: emptyCatalog }
  let cycle = 0

  async function read(
    { catalog, starts, ends, latest }: ViewedLogs,
    problems: Problem[],
    signal: AbortSignal,
  ): Promise<LogViews> {
    const side = async (which: LogSide): Promise<LogOffsetColumn> => {
      // The metadata was read again for the log ends if that was needed, so that nothing is asked for it here.
      const found = await readLogOffsets(cluster, catalog, which, async () => latest(), signal)
      problems.push(...found.problems)
      return found.column
    }
    const stable = readCommitted ? await side('stable') : undefined
    if (cycle++ % SELDOM === 0) {
      const local = coldRecords || lagBytes ? await side('local') : undefined
      const read = lagBytes ? await readLogSizes(cluster, catalog, signal) : undefined
      problems.push(...(read?.problems ?? []))
      kept = {
        catalog,
        ...(local === undefined ? {} : { local }),
        ...(read === undefined ? {} : { bytes: recordBytes(read.sizes, starts, ends, local) }),
      }
    } else if (kept.catalog !== catalog) kept = realigned(kept, catalog)
    return {
      ...(stable === undefined ? {} : { stable }),
      ...(coldRecords && kept.local !== undefined ? { local: kept.local } : {}),
      ...(kept.bytes === undefined ? {} : { recordBytes: kept.bytes }),
    }
  }

  return {
    look: async (joined, logs, signal) => {
      const problems: Problem[] = []
      const views = await read(logs, problems, signal)
      const marked = await control?.mark(joined, { ...logs, stable: views.stable }, signal)
      problems.push(...(marked?.problems ?? []))
      const parts: SnapshotPart[] = []
      for (const part of marked?.parts ?? joined)
        parts.push(await runInTurns(withViews(part, { ...logs, views, noPosition })))
      return { parts, views, problems }
    },
  }
}

function realigned(
  { catalog: from, local, bytes }: { catalog: Catalog; local?: LogOffsetColumn; bytes?: KnownNumbers },
  catalog: Catalog,
) {
  return {
    catalog,
    ...(local === undefined ? {} : { local: realign(local, from, catalog) }),
    ...(bytes === undefined ? {} : { bytes: realignNumbers(bytes, from, catalog) }),
  }
}
