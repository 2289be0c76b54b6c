interface Place {
  readonly group?: string
  readonly topic: string
  readonly partition: number
}

/** Rows by group, topic and partition, so that two sources can be compared as they are. */
export function inOrder<T extends Place>(rows: readonly T[]): readonly T[] {
  return rows.toSorted(
    (one, other) =>
      compare(one.group ?? '', other.group ?? '') || compare(one.topic, other.topic) || one.partition - other.partition,
  )
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
