import type { Oracle } from '../../test/rigs/rig-client.ts'

/** One partition of one group, and what may be printed for it. */
export interface TruthRow {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** True when the group has committed here, so that a number or a reason is owed; else silence is right. */
  readonly isCommitted: boolean
  /**
   * Every number that is true under some definition of lag, the one of docs/design.md first; empty when no number is true.
   * Below the log start both what is still there and the plain difference of offsets; before the end of an open
   * transaction both what is written and what may be read.
   */
  readonly lags: readonly bigint[]
  /** Why no number is true. */
  readonly why: 'position_beyond_end' | 'topic_deleted' | 'no_position' | undefined
}

/**
 * The truth about groups, from what the Java clients say of a cluster at rest. Partitions without a commit of topics on
 * which the group has one, or of which `assigned` says that a member has them, are among the rows: nothing, or the 0 of an
 * empty partition, is to be printed for them.
 */
export function truthOf(
  oracle: Oracle,
  assigned: readonly { readonly group: string; readonly topic: string }[] = [],
): readonly TruthRow[] {
  const ends = new Map<string, Map<number, Oracle['ends'][number]>>()
  for (const end of oracle.ends) {
    const partitions = ends.get(end.topic) ?? new Map()
    ends.set(end.topic, partitions.set(end.partition, end))
  }
  const rows: TruthRow[] = []
  const committed = new Map<string, { group: string; topic: string; partitions: Set<number> }>()
  const pair = (group: string, topic: string) => {
    const key = `${topic}/${group}`
    const found = committed.get(key) ?? { group, topic, partitions: new Set<number>() }
    committed.set(key, found)
    return found
  }
  for (const { group, topic } of assigned) pair(group, topic)
  for (const { group, topic, partition, offset } of oracle.committed) {
    pair(group, topic).partitions.add(partition)
    const end = ends.get(topic)?.get(partition)
    const isBeyond = end !== undefined && offset > end.end
    rows.push({
      group,
      topic,
      partition,
      isCommitted: true,
      lags: end === undefined || isBeyond ? [] : lagsOf(offset, end),
      why: end === undefined ? 'topic_deleted' : isBeyond ? 'position_beyond_end' : undefined,
    })
  }
  for (const { group, topic, partitions } of committed.values())
    for (const [partition, end] of ends.get(topic) ?? []) {
      if (partitions.has(partition)) continue
      const isEmpty = end.beginning === end.end
      const why = isEmpty ? undefined : 'no_position'
      rows.push({ group, topic, partition, isCommitted: false, lags: isEmpty ? [0n] : [], why })
    }
  return rows
}

function lagsOf(offset: bigint, { beginning, end, stableEnd }: Oracle['ends'][number]): readonly bigint[] {
  const stillThere = end - (offset > beginning ? offset : beginning)
  const lags = [stillThere, end - offset]
  if (stableEnd !== undefined && stableEnd < end && stableEnd >= offset) lags.push(stableEnd - offset)
  return [...new Set(lags)]
}
