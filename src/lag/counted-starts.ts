import { type OffsetColumn, offsetAt, offsetColumn } from '../model/offsets.ts'
import { sortedIndex } from '../model/sorted.ts'

/** Log starts of some partitions of one topic: the entries from `first` up to `end` of a store, by partition. */
export interface CountedStarts {
  readonly store: StartStore
  readonly first: number
  readonly end: number
}

/** One store holds the starts of a whole cycle: an outage has one for every row, and a million small arrays cost seconds. */
interface StartStore {
  readonly partition: Int32Array
  readonly start: OffsetColumn
  readonly size: number
}

export interface StartWriter {
  /** Appends a start as two words; the partitions of one topic must come in ascending order. */
  add(partition: number, low: number, high: number): void
  size(): number
  /** What was appended since `first`; to be looked at when all is written. */
  since(first: number): CountedStarts
}

const emptyStore: StartStore = { partition: new Int32Array(0), start: offsetColumn(0), size: 0 }
export const noStarts: CountedStarts = { store: emptyStore, first: 0, end: 0 }

export function createStartWriter(): StartWriter {
  const store = { partition: new Int32Array(256), start: offsetColumn(256), size: 0 }
  return {
    add: (partition, low, high) => {
      if (store.size === store.partition.length) grow(store)
      store.partition[store.size] = partition
      store.start[store.size * 2] = low
      store.start[store.size * 2 + 1] = high
      store.size++
    },
    size: () => store.size,
    since: (first) => (first === store.size ? noStarts : { store, first, end: store.size }),
  }
}

/** Index of a partition in the store, or −1. */
export function startIndex({ store, first, end }: CountedStarts, partition: number): number {
  return sortedIndex(store.partition, partition, first, end)
}

export function* startsOf({
  store,
  first,
  end,
}: CountedStarts): Generator<readonly [partition: number, start: bigint]> {
  for (let index = first; index < end; index++) yield [store.partition[index]!, offsetAt(store.start, index)]
}

function grow(store: { partition: Int32Array; start: OffsetColumn }): void {
  const { partition, start } = store
  store.partition = new Int32Array(partition.length * 2)
  store.partition.set(partition)
  store.start = new Uint32Array(start.length * 2)
  store.start.set(start)
}
