/** One line of a benchmark: a figure beside its limit or its peer, from the same run. */
export interface Figure {
  readonly what: string
  readonly measured: number
  readonly unit: string
  /** The figure must stay below this. */
  readonly limit?: number
  /** The same thing done by somebody else. */
  readonly peer?: { readonly name: string; readonly measured: number }
}

/** Prints figures as a table and says which limits were missed. Returns true when all were kept. */
export function report(title: string, figures: readonly Figure[]): boolean {
  process.stdout.write(`\n${title}\n`)
  let isKept = true
  for (const { what, measured, unit, limit, peer } of figures) {
    const parts = [`  ${what.padEnd(58)} ${digits(measured).padStart(9)} ${unit}`]
    if (limit !== undefined) {
      parts.push(`limit ${digits(limit)}: ${digits((100 * measured) / limit)} %`)
      if (measured > limit) {
        isKept = false
        parts.push('MISSED')
      }
    }
    if (peer !== undefined)
      parts.push(`${peer.name} ${digits(peer.measured)}: ${digits(peer.measured / measured)} times`)
    process.stdout.write(`${parts.join('   ')}\n`)
  }
  return isKept
}

/** The median of several runs, in milliseconds. */
export function medianMs(runs: number, work: () => void): number {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  }).sort((a, b) => a - b)
  return times[runs >> 1]!
}

function digits(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3)
}
