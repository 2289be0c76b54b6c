/** Rows of many groups as columns. A block is the rows of one topic in one group; the blocks of a group follow each other. */
export interface GroupColumns {
  readonly groups: readonly {
    readonly id: string
    /** Kafka's error code of the group. */
    readonly error: number
    readonly firstBlock: number
    readonly blocks: number
  }[]
  /** Each name once. */
  readonly topics: readonly string[]
  /** Index into `topics`, an entry a block. */
  readonly blockTopic: Uint32Array
  /** First row of each block, and the number of rows at the end: blocks + 1 entries. */
  readonly blockFirst: Uint32Array
  readonly partition: Int32Array
}

interface Column<T> {
  readonly length: number
  subarray(start: number, end: number): T
  slice(start: number, end: number): T
}

/**
 * The first `length` entries of a column that was allocated for the most rows a body could hold: a view while it uses
 * half of the memory or more, else a copy that lets the rest go.
 */
export function fit<T extends Column<T>>(column: T, length: number): T {
  if (length === column.length) return column
  return length * 2 >= column.length ? column.subarray(0, length) : column.slice(0, length)
}

/** Gives each name one number, in order of appearance. */
export function createNames(): { readonly list: string[]; indexOf(name: string): number } {
  const list: string[] = []
  const indexes = new Map<string, number>()
  return {
    list,
    indexOf(name) {
      const known = indexes.get(name)
      if (known !== undefined) return known
      indexes.set(name, list.length)
      return list.push(name) - 1
    },
  }
}
