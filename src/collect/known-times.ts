import { bracketFrom, toldBy } from '../kafka/time-search.ts'
import { type Catalog, type CatalogTopic, isSameTopic } from '../model/catalog.ts'
import type { TimeBracket, TimeLookUp, TimestampType } from '../model/time-look-up.ts'

interface Entry {
  readonly look: TimeLookUp
  readonly cycle: number
}

/** What look-ups have told, by topic, partition and position. */
export interface KnownTimes {
  /** Whether anything was told of a partition: cheap, for the many of which nothing was. */
  has(topic: CatalogTopic, partition: number): boolean
  /** What was told of this very position, and in which cycle. */
  at(topic: CatalogTopic, partition: number, position: bigint): Entry | undefined
  /** What the looks at a partition say of another position. */
  bracket(topic: CatalogTopic, partition: number, position: bigint): TimeBracket
  /** The same as times; undefined where no two records enclose the position. */
  enclosed(
    topic: CatalogTopic,
    partition: number,
    position: bigint,
    now: number,
    type: TimestampType | undefined,
  ): TimeLookUp | undefined
  keep(topic: CatalogTopic, partition: number, look: TimeLookUp): void
  /** Begins a cycle: topics that are no more, or are others now, are forgotten, and so is what is old. */
  next(catalog: Catalog): number
}

interface Topic {
  readonly topic: CatalogTopic
  readonly partitions: Map<number, readonly Entry[]>
}

/** A look lasts so many cycles; where a position stands it is then made again, and where it moves others have come. */
const CYCLES_KEPT = 60
const KEPT_PER_PARTITION = 8
const nothing: readonly Entry[] = []

export function createKnownTimes(): KnownTimes {
  const topics = new Map<string, Topic>()
  let cycle = 0

  const entries = (topic: CatalogTopic, partition: number): readonly Entry[] => {
    const known = topics.get(topic.name)
    if (known === undefined || !isSameTopic(known.topic, topic)) return nothing
    return known.partitions.get(partition) ?? nothing
  }
  const bracket: KnownTimes['bracket'] = (topic, partition, position) =>
    bracketFrom(
      position,
      entries(topic, partition).map(({ look }) => look),
    )

  return {
    bracket,
    has: (topic, partition) => entries(topic, partition).length > 0,
    at: (topic, partition, position) => entries(topic, partition).find(({ look }) => look.position === position),
    enclosed: (topic, partition, position, now, type) => {
      const found = bracket(topic, partition, position)
      if (found.below === undefined || found.beforeMs === undefined) return undefined
      return toldBy(position, found, now, type, 0)
    },
    keep: (topic, partition, look) => {
      const known = topics.get(topic.name)
      const of = known !== undefined && isSameTopic(known.topic, topic) ? known : { topic, partitions: new Map() }
      topics.set(topic.name, of)
      const others = entries(topic, partition).filter((entry) => entry.look.position !== look.position)
      of.partitions.set(partition, [...others.slice(1 - KEPT_PER_PARTITION), { look, cycle }])
    },
    next: (catalog) => {
      for (const [name, { topic, partitions }] of topics) {
        const now = catalog.topics[catalog.topicIndex.get(name) ?? -1]
        if (now === undefined || !isSameTopic(now, topic)) topics.delete(name)
        else
          for (const [partition, list] of partitions) {
            const kept = list.filter((entry) => cycle - entry.cycle < CYCLES_KEPT)
            if (kept.length === 0) partitions.delete(partition)
            else if (kept.length < list.length) partitions.set(partition, kept)
          }
      }
      return ++cycle
    },
  }
}
