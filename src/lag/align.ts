import { type Catalog, type CatalogTopic, isSameTopic, topicNamed } from '../model/catalog.ts'
import { type LogOffsetColumn, logOffsetColumn, NO_ANSWER } from '../model/log-offsets.ts'
import { difference } from '../model/offsets.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import { KNOWN, type Reason, reasonCode } from '../model/reason.ts'
import type { KnownNumbers } from '../model/snapshot.ts'

/** The catalog's topic index for each topic of a batch; −1 where the cluster does not have the topic. */
export function alignTopics(batch: PositionBatch, catalog: Catalog): Int32Array {
  const aligned = new Int32Array(batch.topics.length)
  for (const [index, topic] of batch.topics.entries()) aligned[index] = catalog.topicIndex.get(topic.name) ?? -1
  return aligned
}

/**
 * Moves log offsets to the rows of a newer catalog. A topic that has another id now, or partitions that are new, start
 * without an offset.
 */
export function realign(column: LogOffsetColumn, from: Catalog, to: Catalog): LogOffsetColumn {
  if (from.topics === to.topics) return column
  const moved = logOffsetColumn(to.rows, reasonCode('end_unknown'), column.evidence)
  for (const topic of to.topics) {
    const before = topicNamed(from, topic.name)
    if (before === undefined || !isSameTopic(before, topic)) continue
    const rows = Math.min(before.partitions, topic.partitions)
    const source = before.firstRow
    moved.offset.set(column.offset.subarray(source * 2, (source + rows) * 2), topic.firstRow * 2)
    moved.epoch.set(column.epoch.subarray(source, source + rows), topic.firstRow)
    moved.reason.set(column.reason.subarray(source, source + rows), topic.firstRow)
    moved.answer.set(column.answer.subarray(source, source + rows), topic.firstRow)
  }
  return moved
}

/** Moves numbers of partitions to the rows of a newer catalog, as `realign` does; what is new is not known. */
export function realignNumbers({ value, known }: KnownNumbers, from: Catalog, to: Catalog): KnownNumbers {
  const moved: KnownNumbers = { value: new Float64Array(to.rows), known: new Uint8Array(to.rows) }
  for (const topic of to.topics) {
    const before = topicNamed(from, topic.name)
    if (before === undefined || !isSameTopic(before, topic)) continue
    const end = before.firstRow + Math.min(before.partitions, topic.partitions)
    moved.value.set(value.subarray(before.firstRow, end), topic.firstRow)
    moved.known.set(known.subarray(before.firstRow, end), topic.firstRow)
  }
  return moved
}

/**
 * Log offsets of which every row that the newer column does not know is taken from the older one. Only for log starts:
 * they never go back, so an old one is still a lower bound.
 */
export function fillFrom(newer: LogOffsetColumn, older: LogOffsetColumn): LogOffsetColumn {
  if (newer.reason.every((reason) => reason === 0)) return newer
  const filled: LogOffsetColumn = {
    offset: newer.offset.slice(),
    epoch: newer.epoch.slice(),
    reason: newer.reason.slice(),
    answer: newer.answer.slice(),
    evidence: [...newer.evidence, ...older.evidence],
  }
  for (let row = 0; row < filled.reason.length; row++) {
    if (newer.reason[row] === 0 || older.reason[row] !== 0) continue
    filled.offset[row * 2] = older.offset[row * 2]!
    filled.offset[row * 2 + 1] = older.offset[row * 2 + 1]!
    filled.epoch[row] = older.epoch[row]!
    filled.reason[row] = 0
    const answer = older.answer[row]!
    filled.answer[row] = answer === NO_ANSWER ? NO_ANSWER : answer + newer.evidence.length
  }
  return filled
}

/** Topics of which a log end is lower than it was, by index into `catalog`: truncated, or another topic by now. */
export function fallenTopics(
  catalog: Catalog,
  ends: LogOffsetColumn,
  earlier: Catalog,
  earlierEnds: LogOffsetColumn,
): Uint8Array {
  const fallen = new Uint8Array(catalog.topics.length)
  for (const [index, topic] of catalog.topics.entries()) {
    const before = topicNamed(earlier, topic.name)
    if (before === undefined) continue
    const rows = Math.min(topic.partitions, before.partitions)
    if (fell(ends, topic.firstRow, earlierEnds, before.firstRow, rows)) fallen[index] = 1
  }
  return fallen
}

function fell(now: LogOffsetColumn, from: number, then: LogOffsetColumn, thenFrom: number, rows: number): boolean {
  for (let row = 0; row < rows; row++) {
    const at = from + row
    const was = thenFrom + row
    if ((now.reason[at]! | then.reason[was]!) === KNOWN && difference(now.offset, at, then.offset, was) < 0) return true
  }
  return false
}

/**
 * Topics that are another topic than they were, by index into `catalog`: their id changed. Before 2.8 there are no ids,
 * and a log end that fell is taken for it: rather no lag than one of two topics.
 */
export function recreatedTopics(catalog: Catalog, earlier: Catalog, fallen: Uint8Array): Uint8Array {
  const recreated = new Uint8Array(catalog.topics.length)
  for (const [index, topic] of catalog.topics.entries()) {
    const before = topicNamed(earlier, topic.name)
    if (before === undefined) continue
    const changed = topic.id === undefined || before.id === undefined ? fallen[index] === 1 : topic.id !== before.id
    if (changed) recreated[index] = 1
  }
  return recreated
}

/**
 * Log ends without those of topics that went away or became another topic while they were being read, by metadata that
 * was read afterwards: nobody can say which topic they are of.
 */
export function withoutChanged(ends: LogOffsetColumn, catalog: Catalog, afterwards: Catalog): LogOffsetColumn {
  return without(ends, catalog, (topic) => {
    const now = topicNamed(afterwards, topic.name)
    if (now === undefined) return 'topic_deleted'
    return isSameTopic(now, topic) ? undefined : 'topic_recreated'
  })
}

/**
 * Log ends without those of topics that became another topic since `earlier`, against which positions were read: these
 * may be of the former life, also where they moved since the last cycle.
 */
export function withoutRecreated(ends: LogOffsetColumn, catalog: Catalog, earlier: Catalog): LogOffsetColumn {
  return without(ends, catalog, (topic) => {
    const before = topicNamed(earlier, topic.name)
    return before === undefined || isSameTopic(before, topic) ? undefined : 'topic_recreated'
  })
}

/** The column itself when no topic has a reason to be left out. */
function without(
  ends: LogOffsetColumn,
  catalog: Catalog,
  reasonFor: (topic: CatalogTopic) => Reason | undefined,
): LogOffsetColumn {
  let reason: Uint8Array | undefined
  for (const topic of catalog.topics) {
    const why = reasonFor(topic)
    if (why === undefined) continue
    reason ??= ends.reason.slice()
    reason.fill(reasonCode(why), topic.firstRow, topic.firstRow + topic.partitions)
  }
  return reason === undefined ? ends : { ...ends, reason }
}
