/** Where a value stands in a column, whose entries from `first` up to `end` ascend; −1 when it does not. */
export function sortedIndex(column: ArrayLike<number>, value: number, first = 0, end = column.length): number {
  let low = first
  let high = end - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const at = column[middle]!
    if (at === value) return middle
    if (at < value) low = middle + 1
    else high = middle - 1
  }
  return -1
}
