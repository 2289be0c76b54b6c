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
