import { createKeptLines, type Fields, fieldsOf, type KeptLines } from '../model/kept-lines.ts'
import { offsetAt } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import { isFresh, type Snapshot, type SnapshotPart } from '../model/snapshot.ts'
import {
  type CountedStarts,
  createStartWriter,
  noStarts,
  type StartWriter,
  startIndex,
  startsOf,
} from './counted-starts.ts'
import type { LostCounter, LostEntry, SavedLost } from './records-lost.ts'

/**
 * What a later process needs to go on counting, as lines of JSON, for people to read as well:
 *
 *     {"lagkeeper":"records_lost","version":1,"kafka_cluster":"main","cluster_id":"…"}
 *     {"topic":"orders","id":"…","starts":"0,60,,5"}
 *     {"consumer":"billing","had_members":true,"topics":{"orders":{"lost":40,"counted":"1:60","unseen":"2"}}}
 *     {"lines":3}
 *
 * `starts` are the log starts of the last cycle by partition, empty where unknown. `counted` are those of partitions for
 * which another one counts, `unseen` partitions without a position. Topics of which no consumer is told are left out.
 *
 * @param rest blocks of a still earlier process that nobody has met yet; they carry the id of their topic with them
 */
export function* lostLines(counter: LostCounter, snapshot: Snapshot, rest?: SavedLost): Generator<string> {
  const { kafkaCluster, catalog, parts } = snapshot
  // At once: they are taken one by one while the other lines are being written.
  const unmet = [...(rest?.rest() ?? [])].map((one) => restLine(one, rest?.readers))
  let lines = 1 + unmet.length
  yield line({
    lagkeeper: 'records_lost',
    version: VERSION,
    kafka_cluster: kafkaCluster,
    cluster_id: catalog.clusterId,
  })
  yield* unmet
  for (const name of topicsOf(snapshot)) {
    yield line(topicLine(snapshot, name))
    lines++
  }
  const [entries, readers] = [counter.entries(), counter.readers()]
  for (const part of parts) {
    if (part.batch.holds !== 'position') continue
    for (let block = 0; block < part.batch.blockConsumer.length; ) {
      const consumer = part.batch.consumers[part.batch.blockConsumer[block]!]!.name
      const topics: Record<string, object> = {}
      const first = part.batch.blockConsumer[block]
      for (; block < part.batch.blockConsumer.length && part.batch.blockConsumer[block] === first; block++) {
        const name = part.batch.topics[part.batch.blockTopic[block]!]!.name
        const entry = entries.get(consumer)?.get(name)
        const unseen = unseenOf(part, block, entry?.counted ?? noStarts)
        topics[name] = {
          ...(entry === undefined ? {} : fieldsOfEntry(entry)),
          ...(unseen.length === 0 ? {} : { unseen: unseen.join(',') }),
        }
      }
      yield line({ consumer, ...(readers.has(consumer) ? { had_members: true } : {}), topics })
      lines++
    }
  }
  yield line({ lines })
}

const VERSION = 1

function restLine(
  { consumer, topics }: { readonly consumer: string; readonly topics: ReadonlyMap<string, LostEntry> },
  readers: ReadonlySet<string> | undefined,
): string {
  const blocks = [...topics].map(
    ([name, entry]) => [name, { ...fieldsOfEntry(entry), id: entry.topicId ?? '' }] as const,
  )
  return line({
    consumer,
    ...(readers?.has(consumer) ? { had_members: true } : {}),
    topics: Object.fromEntries(blocks),
  })
}

function fieldsOfEntry({ lost, counted }: LostEntry): object {
  const pairs = Array.from(startsOf(counted), ([partition, start]) => `${partition}:${start}`)
  return { ...(lost === 0 ? {} : { lost }), ...(pairs.length === 0 ? {} : { counted: pairs.join(',') }) }
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

function topicsOf({ parts, catalog }: Snapshot): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { batch } of parts) for (const { name } of batch.topics) if (catalog.topicIndex.has(name)) names.add(name)
  return names
}

function topicLine({ catalog, starts }: Snapshot, name: string): object {
  const { id, firstRow, partitions } = catalog.topics[catalog.topicIndex.get(name)!]!
  const texts = Array.from({ length: partitions }, (_, partition) =>
    starts.reason[firstRow + partition] === KNOWN ? String(offsetAt(starts.offset, firstRow + partition)) : '',
  )
  return { topic: name, id, starts: texts.join(',') }
}

function unseenOf(part: SnapshotPart, block: number, counted: CountedStarts): number[] {
  const { batch } = part
  const unseen: number[] = []
  for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
    const isSeen = isFresh(part, row) && batch.reason[row] === KNOWN
    if (!isSeen && startIndex(counted, batch.partition[row]!) < 0) unseen.push(batch.partition[row]!)
  }
  return unseen
}

type SavedTopic = { readonly id?: string; readonly starts: CountedStarts }

/** @param kafkaCluster the lines of another one are refused */
export function createLostReader(kafkaCluster: string): KeptLines<SavedLost> {
  const topics = new Map<string, SavedTopic>()
  const consumers = new Map<string, Map<string, LostEntry>>()
  const readers = new Set<string>()
  const starts = createStartWriter()
  let clusterId: string | undefined

  function takeLine(fields: Fields): string | undefined | false {
    const { topic, consumer, starts: texts } = fields
    if (typeof topic === 'string' && typeof texts === 'string' && startsForm.test(texts)) {
      const id = textOf(fields['id'])
      topics.set(topic, { starts: takeStarts(texts), ...(id === undefined ? {} : { id }) })
      return undefined
    }
    return typeof consumer === 'string' ? takeConsumer(consumer, fields) : false
  }

  function takeStarts(texts: string): CountedStarts {
    const first = starts.size()
    for (const [partition, text] of texts.split(',').entries()) if (text !== '') addStart(starts, partition, text)
    return starts.since(first)
  }

  function takeConsumer(consumer: string, fields: Fields): string | undefined {
    if (fields['had_members'] === true) readers.add(consumer)
    const blocks = consumers.get(consumer) ?? new Map<string, LostEntry>()
    consumers.set(consumer, blocks)
    for (const [topic, value] of Object.entries(fieldsOf(fields['topics']))) {
      const entry = entryOf(fieldsOf(value), topics.get(topic), starts)
      if (entry === undefined) return `consumer "${consumer}", topic "${topic}"`
      blocks.set(topic, entry)
    }
    return undefined
  }

  return createKeptLines({
    kind: 'records_lost',
    version: VERSION,
    kafkaCluster,
    head: (fields) => {
      clusterId = textOf(fields['cluster_id'])
      return undefined
    },
    line: takeLine,
    done: () => savedLost(consumers, readers, clusterId),
  })
}

const startsForm = /^(\d{0,19})(,\d{0,19})*$/
const countedForm = /^(\d{1,9}:\d{1,19}(,\d{1,9}:\d{1,19})*)?$/

function savedLost(
  consumers: Map<string, Map<string, LostEntry>>,
  readers: ReadonlySet<string>,
  clusterId: string | undefined,
): SavedLost {
  return {
    readers,
    ...(clusterId === undefined ? {} : { clusterId }),
    rest: function* () {
      for (const [consumer, blocks] of consumers) yield { consumer, topics: blocks }
    },
    isEmpty: () => consumers.size === 0,
    take: (consumer, topic) => {
      const blocks = consumers.get(consumer)
      const found = blocks?.get(topic)
      blocks?.delete(topic)
      if (blocks?.size === 0) consumers.delete(consumer)
      return found
    },
  }
}

function entryOf(fields: Fields, topic: SavedTopic | undefined, starts: StartWriter): LostEntry | undefined {
  const { lost = 0, counted = '', unseen = '', id } = fields
  if (typeof lost !== 'number' || lost < 0 || typeof counted !== 'string' || !countedForm.test(counted))
    return undefined
  if (typeof unseen !== 'string') return undefined
  // A block with an id of its own is of a topic that may have become another one, and has all of its starts.
  if (typeof id === 'string')
    return { lost, counted: merged(noStarts, counted, '', starts), topicId: id === '' ? undefined : id }
  return { lost, counted: merged(topic?.starts ?? noStarts, counted, unseen, starts), topicId: topic?.id }
}

/** Those that are counted, and for all other partitions but the unseen those of the topic. */
function merged(topic: CountedStarts, counted: string, unseen: string, starts: StartWriter): CountedStarts {
  if (counted === '' && unseen === '') return topic
  const texts = new Map(Array.from(startsOf(topic), ([partition, start]) => [partition, String(start)] as const))
  for (const partition of unseen.split(',')) texts.delete(partition === '' ? -1 : Number(partition))
  for (const pair of counted === '' ? [] : counted.split(',')) {
    const [partition = '', start = ''] = pair.split(':')
    texts.set(Number(partition), start)
  }
  const first = starts.size()
  for (const [partition, start] of [...texts].sort(([a], [b]) => a - b)) addStart(starts, partition, start)
  return starts.since(first)
}

function addStart(starts: StartWriter, partition: number, text: string): void {
  const start = BigInt(text)
  starts.add(partition, Number(start & 0xffffffffn), Number(start >> 32n))
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
