import { type Catalog, type CatalogTopic, emptyCatalog, isSameTopic, topicNamed } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import { difference, type OffsetColumn, offsetColumn } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'

/** By topic where its partitions ended before it was deleted, an entry a partition; 0 where that is not known. */
export type FormerLives = ReadonlyMap<string, OffsetColumn>

/** What is remembered of logs from cycle to cycle. */
export interface LogMemory {
  readonly catalog: Catalog
  /** The last end that was known of each row of the catalog; 0 for none. */
  readonly ends: OffsetColumn
  readonly former: FormerLives
}

export const noLogMemory: LogMemory = { catalog: emptyCatalog, ends: offsetColumn(0), former: new Map() }

/** Topics that are remembered at most; those that went first are forgotten first. */
const MOST = 1_000

/**
 * What is remembered after one more cycle. A position past the end that lies within a former life of its topic is of
 * that life, also when its consumer was not seen in between: brokers drop the commits of a deleted topic, and a consumer
 * that goes on commits its old position again. A life is forgotten when every log is as long as it was: nothing of it
 * can be past the end any more. Yields at topics, so that others can run in between.
 */
export function* rememberLogs(before: LogMemory, catalog: Catalog, ends: LogOffsetColumn): Generator<void, LogMemory> {
  const now = { catalog, ends: yield* lastEnds(before, catalog, ends) }
  const ended = catalog === before.catalog ? [] : before.catalog.topics.filter((topic) => !isAlive(topic, catalog))
  if (before.former.size === 0 && ended.length === 0) return { ...now, former: before.former }
  const former = new Map(before.former)
  for (const { name, firstRow, partitions } of ended) {
    former.delete(name)
    former.set(name, before.ends.slice(firstRow * 2, (firstRow + partitions) * 2))
  }
  for (const [name, life] of former) {
    const topic = topicNamed(catalog, name)
    if (topic !== undefined && hasOutgrown(topic, now.ends, life)) former.delete(name)
  }
  for (const name of former.keys()) {
    if (former.size <= MOST) break
    former.delete(name)
  }
  return { ...now, former }
}

/** True for the offset at `row` when a partition had it in a former life of its topic. */
export function isOfFormerLife(
  life: OffsetColumn | undefined,
  partition: number,
  offset: OffsetColumn,
  row: number,
): boolean {
  return life !== undefined && partition * 2 < life.length && difference(life, partition, offset, row) >= 0
}

/** The ends of a cycle, and the last ones of what it could not read: a topic that goes has none in its last cycle. */
function* lastEnds(
  before: LogMemory,
  catalog: Catalog,
  { offset, reason }: LogOffsetColumn,
): Generator<void, OffsetColumn> {
  if (areAllKnown(reason)) return offset
  const ends = offset.slice()
  for (const topic of catalog.topics) {
    yield
    const was = topicNamed(before.catalog, topic.name)
    if (was === undefined || !isSameTopic(was, topic)) continue
    for (let partition = 0; partition < Math.min(topic.partitions, was.partitions); partition++) {
      const row = topic.firstRow + partition
      if (reason[row] === KNOWN) continue
      const from = was.firstRow + partition
      ends[row * 2] = before.ends[from * 2]!
      ends[row * 2 + 1] = before.ends[from * 2 + 1]!
    }
  }
  return ends
}

function areAllKnown(reason: Uint8Array): boolean {
  for (let row = 0; row < reason.length; row++) if (reason[row] !== KNOWN) return false
  return true
}

function isAlive(topic: CatalogTopic, catalog: Catalog): boolean {
  const now = topicNamed(catalog, topic.name)
  return now !== undefined && isSameTopic(now, topic)
}

function hasOutgrown({ firstRow, partitions }: CatalogTopic, ends: OffsetColumn, life: OffsetColumn): boolean {
  if (partitions * 2 < life.length) return false
  for (let partition = 0; partition * 2 < life.length; partition++)
    if (difference(ends, firstRow + partition, life, partition) < 0) return false
  return true
}
