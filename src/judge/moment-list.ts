/**
 * How entries lie in a list of numbers, of which they have a part: the oldest first, each of so many numbers, its moment
 * (monotonic milliseconds) the first of them. The first one that is not there has NaN for its moment.
 */
export interface Entries {
  readonly fields: number
  readonly most: number
}

/** @param from where the first one lies */
export function countEntries(list: readonly number[], from: number, { fields, most }: Entries): number {
  let count = 0
  while (count < most && !Number.isNaN(list[from + count * fields]!)) count++
  return count
}

export function clearEntries(list: number[], from: number): void {
  list[from] = Number.NaN
}

/** Time passed in which nothing changed. */
export function shiftEntries(list: number[], from: number, entries: Entries, ms: number): void {
  const end = from + countEntries(list, from, entries) * entries.fields
  for (let at = from; at < end; at += entries.fields) list[at]! += ms
}
