/** What can be wrong with a job. A closed list, the worst first: what makes its numbers blind or its data unsafe. */
export const findingKinds = [
  'checkpoint_overdue',
  'partition_unread',
  'no_reporter',
  'metrics_disabled',
  'position_conflict',
  'checkpointing_off',
  'group_shared',
  'topic_read_twice',
  'name_not_unique',
  'disconnected_parts',
  'parallelism_above_partitions',
  'end_of_life',
] as const

export type FindingKind = (typeof findingKinds)[number]

/** Something wrong with one job, with what shows it. */
export interface Finding {
  readonly kind: FindingKind
  /** One sentence for people: what is wrong and what it leads to. */
  readonly message: string
  /** What was seen where: lines such as `operator 3f… and 9a… both read ods.orders-v1 partition 0`. */
  readonly evidence: readonly string[]
  /** Milliseconds of the wall clock at which it was seen first, all the time until now. */
  readonly since?: number
}

/** Where a kind stands in the list: 0 is the worst. */
export function findingRank(kind: FindingKind): number {
  return ranks.get(kind) ?? findingKinds.length
}

const ranks: ReadonlyMap<FindingKind, number> = new Map(findingKinds.map((kind, rank) => [kind, rank]))
