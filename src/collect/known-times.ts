import { bracketFrom, toldBy } from '../kafka/time-search.ts'
import { type Catalog, type CatalogTopic, isSameTopic, topicNamed } from '../model/catalog.ts'
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
  readonly partitions: Map<number, Partition>
}

interface Partition {
  readonly entries: readonly Entry[]
  /** By position, as they are asked for: those of one that stands are the same in each cycle. */
  readonly brackets: Map<bigint, TimeBracket>
}

/** A look lasts so many cycles; where a position stands it is then made again, and where it moves others have come. */
const CYCLES_KEPT = 120
const KEPT_PER_PARTITION = 8
const BRACKETS_PER_PARTITION = 64
const nothing: Partition = { entries: [], brackets: new Map() }

export function createKnownTimes(): KnownTimes {
  const topics = new Map<string, Topic>()
  let cycle = 0

  const known = (topic: CatalogTopic, partition: number): Partition => {
    const of = topics.get(topic.name)
    if (of === undefined || !isSameTopic(of.topic, topic)) return nothing
    return of.partitions.get(partition) ?? nothing
  }
  const bracket: KnownTimes['bracket'] = (topic, partition, position) => {
    const { entries, brackets } = known(topic, partition)
    if (entries.length === 0) return {}
    let found = brackets.get(position)
    if (found === undefined) {
      found = bracketFrom(
        position,
        entries.map(({ look }) => look),
      )
      if (brackets.size >= BRACKETS_PER_PARTITION) brackets.clear()
      brackets.set(position, found)
    }
    return found
  }

  return {
    bracket,
    has: (topic, partition) => known(topic, partition).entries.length > 0,
    at: (topic, partition, position) => known(topic, partition).entries.find(({ look }) => look.position === position),
    enclosed: (topic, partition, position, now, type) => {
      const found = bracket(topic, partition, position)
      if (found.below === undefined || found.beforeMs === undefined) return undefined
      return toldBy(position, found, now, type, 0)
    },
    keep: (topic, partition, look) => {
      const old = topics.get(topic.name)
      const of = old !== undefined && isSameTopic(old.topic, topic) ? old : { topic, partitions: new Map() }
      const others = known(topic, partition).entries.filter((entry) => entry.look.position !== look.position)
      topics.set(topic.name, of)
      const entries = [...others.slice(1 - KEPT_PER_PARTITION), { look, cycle }]
      of.partitions.set(partition, { entries, brackets: new Map() })
    },
    next: (catalog) => {
      for (const [name, { topic, partitions }] of topics) {
        const now = topicNamed(catalog, name)
        if (now === undefined || !isSameTopic(now, topic)) topics.delete(name)
        else
          for (const [partition, { entries }] of partitions) {
            const kept = entries.filter((entry) => cycle - entry.cycle < CYCLES_KEPT)
            if (kept.length === 0) partitions.delete(partition)
            else if (kept.length < entries.length) partitions.set(partition, { entries: kept, brackets: new Map() })
          }
      }
      return ++cycle
    },
  }
}
