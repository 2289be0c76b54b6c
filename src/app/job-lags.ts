import { filterLabel } from '../flink/filter-label.ts'
import type { Catalog } from '../model/catalog.ts'
import { heldIndex, isFresh, type Snapshot } from '../model/snapshot.ts'
import { breather } from '../runtime/breathe.ts'

/** What the last snapshot of one Kafka cluster says of the topics and lags of Flink jobs. */
export interface JobLags {
  /** Partitions of the one topic that pages may show so; undefined when there is none, or more than one. */
  partitionsOf(shown: string): number | undefined
  /** Whether there is any topic, read or not, that a page or REST may show so. */
  mayHave(shown: string): boolean
  /** Records lag of a job, fresh or held; undefined when unknown. */
  lagOf(consumer: string, shown: string, partition: number): number | undefined
}

/** Made once for each snapshot; others run in between. */
export function createJobLags(): (snapshot: Snapshot) => Promise<JobLags> {
  const topicsOf = new WeakMap<Catalog, Promise<ReadonlyMap<string, Named>>>()
  let last: { readonly snapshot: Snapshot; readonly lags: Promise<JobLags> } | undefined

  async function make(snapshot: Snapshot): Promise<JobLags> {
    const { catalog } = snapshot
    const topics = topicsOf.get(catalog) ?? namesOf(catalog)
    topicsOf.set(catalog, topics)
    const [byShown, lags] = [await topics, await lagsOf(snapshot)]
    return {
      // No filter leaves a dot.
      mayHave: (shown) => byShown.has(shown.includes('.') ? shown : filterLabel(shown)),
      partitionsOf: (shown) => catalog.topics[byShown.get(shown)?.index ?? -1]?.partitions,
      lagOf: (consumer, shown, partition) => {
        const index = byShown.get(shown)?.index
        // A topic that the cluster does not have, or not alone, stands in a row under the name that is shown.
        const name = catalog.topics[index ?? -1]?.name ?? shown
        return lags.get(consumer)?.get(name)?.get(partition)
      },
    }
  }

  return (snapshot) => {
    if (last?.snapshot !== snapshot) last = { snapshot, lags: make(snapshot) }
    return last.lags
  }
}

interface Named {
  /** In the catalog; absent when several topics are shown so. */
  readonly index?: number
}

/** By the name as it is, and as a page shows it. */
async function namesOf({ topics, leftOut = [] }: Catalog): Promise<ReadonlyMap<string, Named>> {
  const breathe = breather()
  const shown = new Map<string, Named>()
  for (const [index, { name }] of topics.entries()) {
    const filtered = filterLabel(name)
    shown.set(filtered, shown.has(filtered) ? {} : { index })
    if (index % 1_000 === 0) await breathe()
  }
  for (const [index, name] of leftOut.entries()) {
    shown.set(filterLabel(name), {})
    if (index % 1_000 === 0) await breathe()
  }
  // Pages without a filter have the names as they are; where one of them is what another is shown as, nobody can tell.
  for (const [index, { name }] of topics.entries()) if (!shown.has(name)) shown.set(name, { index })
  for (const name of leftOut) if (!shown.has(name)) shown.set(name, {})
  return shown
}

type Lags = Map<string, Map<string, Map<number, number>>>

async function lagsOf(snapshot: Snapshot): Promise<Lags> {
  const breathe = breather()
  const lags: Lags = new Map()
  for (const part of snapshot.parts) {
    const { batch } = part
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const { name, kind } = batch.consumers[batch.blockConsumer[block]!]!
      if (kind !== 'flink') continue
      const topics = lags.get(name) ?? new Map<string, Map<number, number>>()
      lags.set(name, topics)
      const of = new Map<number, number>()
      topics.set(batch.topics[batch.blockTopic[block]!]!.name, of)
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
        const held = isFresh(part, row) ? -1 : heldIndex(part, row)
        if (isFresh(part, row)) of.set(batch.partition[row]!, part.lag[row]!)
        else if (held >= 0) of.set(batch.partition[row]!, part.held.lag[held]!)
      }
    }
    await breathe()
  }
  return lags
}
