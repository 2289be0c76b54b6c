/** When the records of a topic's partitions were written, and which of them compaction has taken, as runs of offsets. */
export interface RecordTimes {
  /** The records from `from` to before `to`, behind all that are known, got this timestamp (wall milliseconds). */
  stamp(partition: number, from: bigint, to: bigint, at: number): void
  /** They are gone, as compaction leaves it: the offsets around them stay. */
  remove(partition: number, from: bigint, to: bigint): void
  truncate(partition: number, end: bigint): void
  /** The first record of a time or later, within [start, end). */
  firstSince(
    partition: number,
    start: bigint,
    end: bigint,
    time: number,
  ): { readonly offset: bigint; readonly at: number } | undefined
  /** Ascending; records in none of them have no timestamp, or are gone. */
  runs(partition: number): readonly TimeRun[]
}

interface TimeRun {
  readonly from: bigint
  /** Excluded. */
  readonly to: bigint
  /** Undefined: compaction has taken them. */
  readonly at: number | undefined
}

/** Beyond this older runs are told less finely: a demo appends for weeks, and a stamp stays true to its age. */
const MOST_RUNS = 512

export function createRecordTimes(): RecordTimes {
  const byPartition = new Map<number, TimeRun[]>()

  function runsOf(partition: number): TimeRun[] {
    const known = byPartition.get(partition) ?? []
    byPartition.set(partition, known)
    return known
  }

  return {
    runs: (partition) => byPartition.get(partition) ?? [],
    stamp(partition, from, to, at) {
      const runs = runsOf(partition)
      const last = runs.at(-1)
      if (last?.to === from && last.at === at) runs[runs.length - 1] = { ...last, to }
      else runs.push({ from, to, at })
      if (runs.length > MOST_RUNS) byPartition.set(partition, coarser(runs))
    },
    remove(partition, from, to) {
      const kept = runsOf(partition).flatMap((run) => without(run, from, to))
      const index = kept.findIndex((run) => run.from >= to)
      kept.splice(index < 0 ? kept.length : index, 0, { from, to, at: undefined })
      byPartition.set(partition, kept)
    },
    truncate(partition, end) {
      const runs = byPartition.get(partition)
      if (runs !== undefined)
        byPartition.set(
          partition,
          runs.flatMap((run) => without(run, end, run.to > end ? run.to : end)),
        )
    },
    firstSince(partition, start, end, time) {
      for (const { from, to, at } of byPartition.get(partition) ?? []) {
        if (at === undefined || at < time || to <= start) continue
        const offset = from < start ? start : from
        return offset < end ? { offset, at } : undefined
      }
      return undefined
    },
  }
}

/** Runs that lie within this part of their age become one. */
const SAME_SHARE = 0.04

/** Neighbours whose times differ by little of their age become one run, which is as old as the oldest of them. */
function coarser(runs: readonly TimeRun[]): TimeRun[] {
  const now = runs.at(-1)?.at ?? 0
  const kept: TimeRun[] = []
  for (const run of runs) {
    const last = kept.at(-1)
    const isNear = last?.at !== undefined && run.at !== undefined && run.at - last.at < SAME_SHARE * (now - last.at)
    if (last !== undefined && isNear) kept[kept.length - 1] = { from: last.from, to: run.to, at: last.at }
    else kept.push(run)
  }
  return kept
}

function without({ from, to, at }: TimeRun, first: bigint, end: bigint): readonly TimeRun[] {
  if (to <= first || from >= end) return [{ from, to, at }]
  return [...(from < first ? [{ from, to: first, at }] : []), ...(to > end ? [{ from: end, to, at }] : [])]
}
