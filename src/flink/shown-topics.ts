import type { Catalog } from '../model/catalog.ts'
import { filterLabel } from './filter-label.ts'

/** Names of topics, left out or not, by what the pages of reporters show of them. */
export type ShownTopics = ReadonlyMap<string, readonly string[]>

/** Names between two turns of others. */
const STEP = 2_000

/** By the list of topics, which outlives the metadata that says nothing new. */
const known = new WeakMap<Catalog['topics'], { readonly leftOut: Catalog['leftOut']; readonly shown: ShownTopics }>()

/** Made once for as long as the topics of a cluster stay what they are. Yields between its steps. */
export function* shownTopics({ topics, leftOut }: Catalog): Generator<void, ShownTopics, void> {
  const before = known.get(topics)
  if (before !== undefined && before.leftOut === leftOut) return before.shown
  const shown = new Map<string, string[]>()
  let step = 0
  function* add(name: string): Generator<void, void, void> {
    const filtered = filterLabel(name)
    const names = shown.get(filtered)
    if (names === undefined) shown.set(filtered, [name])
    else names.push(name)
    if (++step % STEP === 0) yield
  }
  for (const { name } of topics) yield* add(name)
  for (const name of leftOut ?? []) yield* add(name)
  known.set(topics, { leftOut, shown })
  return shown
}
