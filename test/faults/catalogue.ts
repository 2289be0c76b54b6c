/** How many faults each class of the catalogue has; every one of them is a test of the same id. */
export const catalogue = {
  Z: { title: 'ZooKeeper', count: 18 },
  R: { title: 'registration', count: 14 },
  H: { title: 'hostile HTTP clients', count: 10 },
  S: { title: 'system', count: 8 },
  C: { title: 'clock', count: 4 },
  P: { title: 'configuration and reload', count: 6 },
  K: { title: 'Kafka metadata and offsets', count: 26 },
  T: { title: 'Flink and YARN', count: 10 },
} as const satisfies Readonly<Record<string, { readonly title: string; readonly count: number }>>

export type FaultClass = keyof typeof catalogue

export const faultClasses: readonly FaultClass[] = ['Z', 'R', 'H', 'S', 'C', 'P', 'K', 'T']

/** Faults that have no test of their id yet; docs/faults.md says what of them other tests cover. */
export const notYet: ReadonlySet<string> = new Set()

/** `Z01` … `T10`. */
export const faultIds: readonly string[] = faultClasses.flatMap((letter) =>
  Array.from({ length: catalogue[letter].count }, (_, index) => `${letter}${String(index + 1).padStart(2, '0')}`),
)

/** The id that the name of a test begins with. */
export function faultIdOf(testName: string): string | undefined {
  const id = /^[ZRHSCPKT]\d\d(?= )/.exec(testName)?.[0]
  return id !== undefined && faultIds.includes(id) ? id : undefined
}

/** `R: 13 of 14, failed R05`; a fault counts when all of its tests passed. */
export function tally(letter: FaultClass, passed: ReadonlySet<string>, failed: ReadonlySet<string>): string {
  const mine = (ids: ReadonlySet<string>): readonly string[] =>
    [...ids].filter((id) => id.startsWith(letter)).toSorted()
  const good = mine(passed).filter((id) => !failed.has(id))
  const bad = mine(failed)
  return `${letter}: ${good.length} of ${catalogue[letter].count}${bad.length === 0 ? '' : `, failed ${bad.join(' ')}`}`
}
