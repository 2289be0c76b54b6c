const STEP = 2048

/**
 * A stable sort that yields every few thousand comparisons, so that sorting a hundred thousand names never holds the
 * event loop. Items that are sorted already cost one look and are returned as they are.
 */
export function* sortInSteps<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, readonly T[], void> {
  let isSorted = true
  for (let at = 1; at < items.length && isSorted; at++) {
    isSorted = compare(items[at - 1]!, items[at]!) <= 0
    if (at % STEP === 0) yield
  }
  if (isSorted) return items
  let runs: T[][] = []
  for (let from = 0; from < items.length; from += STEP) {
    runs.push(items.slice(from, from + STEP).sort(compare))
    yield
  }
  while (runs.length > 1) {
    const longer: T[][] = []
    for (let run = 0; run < runs.length; run += 2) longer.push(yield* merge(runs[run]!, runs[run + 1] ?? [], compare))
    runs = longer
  }
  return runs[0]!
}

function* merge<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, T[], void> {
  const merged: T[] = []
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    const takeLeft = j === right.length || (i < left.length && compare(left[i]!, right[j]!) <= 0)
    merged.push(takeLeft ? left[i++]! : right[j++]!)
    if (merged.length % STEP === 0) yield
  }
  return merged
}

/** Order of names everywhere: by UTF-16 code units, the same on every machine. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
