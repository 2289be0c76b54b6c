import { statuses } from '../model/judgement.ts'
import { heldIndex, isFresh } from '../model/snapshot.ts'
import { topicEnd } from './block-order.ts'
import { lagFamilies } from './families.ts'
import { CONSUMER, type ConsumerLevels, PARTITION, TOPIC } from './granularity.ts'
import type { OrderedSnapshot } from './lines.ts'
import { type TableRow, viewOf } from './table.ts'

/** How many series a table prints for one of a kind. What depends on the snapshot is counted there. */
interface Weights {
  readonly partition: number
  readonly topic: number
  readonly consumer: number
  readonly logPartition: number
  readonly logTopic: number
  readonly hasStates: boolean
  /** Of which units there are objectives on the page. */
  readonly hasRecords: boolean
  readonly hasSeconds: boolean
}

/** How many series a snapshot has, as if every number in it were known: never fewer than are printed. */
export interface Sizes {
  /** Series of each consumer at each level, and what would be left of it: index `consumer * 3 + level`. */
  readonly consumer: Float64Array
  /** Series of each topic itself. */
  readonly topic: Float64Array
  /** 1 for a topic that a consumer reads. */
  readonly isRead: Uint8Array
  /** What no limit can leave out. */
  readonly fixed: number
}

function weightsOf(table: readonly TableRow[]): Weights {
  const of = (view: string, level: string): number =>
    table.filter(
      (row) => viewOf(row) === view && row[0].level === level && !countedApart.has(row[0].name) && !row[0].isInstead,
    ).length
  const has = (name: string): boolean => table.some(([family]) => family.name === name)
  return {
    partition: of('partition', 'partition'),
    topic: of('topic', 'topic'),
    consumer: of('consumer', 'consumer') + (has(lagFamilies.status.name) ? statuses.length - 1 : 0),
    logPartition: of('log', 'partition'),
    logTopic: of('log', 'topic'),
    hasStates: has(lagFamilies.partitions.name),
    hasRecords: has(lagFamilies.objectiveRecords.name),
    hasSeconds: has(lagFamilies.objectiveSeconds.name),
  }
}

const countedApart: ReadonlySet<string> = new Set([
  lagFamilies.partitions.name,
  lagFamilies.objectiveRecords.name,
  lagFamilies.objectiveSeconds.name,
])
const MOST_STATES = 18

/** A quick answer that is never too low: if it fits, nothing has to be counted. */
export function mostSeries({ snapshot }: OrderedSnapshot, table: readonly TableRow[]): number {
  const weights = weightsOf(table)
  let rows = 0
  let blocks = 0
  for (const { batch } of snapshot.parts) {
    rows += batch.partition.length
    blocks += batch.blockConsumer.length
  }
  const { catalog, consumers, objectives } = snapshot
  return (
    rows * weights.partition +
    blocks * (weights.topic + (weights.hasStates ? MOST_STATES : 0)) +
    Math.max(consumers.length, blocks) * weights.consumer +
    (Number(weights.hasRecords) + Number(weights.hasSeconds)) * objectives.length +
    catalog.rows * weights.logPartition +
    catalog.topics.length * weights.logTopic +
    catalog.brokers.length +
    1
  )
}

/** Counts what a table prints of a snapshot, consumer by consumer and topic by topic. */
export function* sizesOf(
  view: OrderedSnapshot,
  levels: ConsumerLevels,
  table: readonly TableRow[],
): Generator<void, Sizes, void> {
  const { snapshot, order } = view
  const weights = weightsOf(table)
  const { catalog } = snapshot
  const isRead = new Uint8Array(catalog.topics.length)
  const objectives = new Map<string, number>()
  if (weights.hasRecords || weights.hasSeconds)
    for (const [index, { consumer, records, seconds }] of snapshot.objectives.entries()) {
      const inRecords = weights.hasRecords && records !== undefined
      const inSeconds = weights.hasSeconds && seconds !== undefined
      objectives.set(consumer, (objectives.get(consumer) ?? 0) + Number(inRecords) + Number(inSeconds))
      if (index % STEP === STEP - 1) yield
    }
  const consumer = new Float64Array(levels.names.length * 3)
  let seen = 0
  for (let at = 0; at < levels.names.length; at++) {
    let rows = 0
    let ofTopics = objectives.get(levels.names[at]!) ?? 0
    for (let place = levels.first[at]!, end = 0; place < levels.first[at + 1]!; place = end) {
      end = topicEnd(snapshot, order, place)
      let states = 0
      for (let same = place; same < end; same++) {
        const part = snapshot.parts[order.part[same]!]!
        const block = order.block[same]!
        rows += part.batch.blockFirst[block + 1]! - part.batch.blockFirst[block]!
        if (weights.hasStates) states |= statesOf(view, same)
        const topic = part.catalogTopic[part.batch.blockTopic[block]!]!
        if (topic >= 0) isRead[topic] = 1
      }
      // `known` is always printed, and a consumer without any known row has it as 0.
      ofTopics += weights.topic + (weights.hasStates ? bits(states | 1) : 0)
    }
    const total = levels.total[at]! < 0 ? 0 : weights.consumer
    consumer[at * 3 + PARTITION] = rows * weights.partition + ofTopics + total
    consumer[at * 3 + TOPIC] = ofTopics + total
    consumer[at * 3 + CONSUMER] = total
    seen += rows + 1
    if (seen < STEP) continue
    seen = 0
    yield
  }
  const topic = new Float64Array(catalog.topics.length)
  for (const [index, { partitions }] of catalog.topics.entries()) {
    topic[index] = partitions * weights.logPartition + weights.logTopic
    if (index % STEP === STEP - 1) yield
  }
  return {
    consumer,
    topic,
    isRead,
    fixed: table.some((row) => viewOf(row) === 'cluster') ? catalog.brokers.length + 1 : 0,
  }
}

const STEP = 32_768
const HELD = 1

/** The states of the rows of a block as bits: known, held, and each reason. */
function statesOf({ snapshot, order }: OrderedSnapshot, place: number): number {
  const part = snapshot.parts[order.part[place]!]!
  const block = order.block[place]!
  let found = 0
  for (let row = part.batch.blockFirst[block]!; row < part.batch.blockFirst[block + 1]!; row++) {
    if (isFresh(part, row)) found |= 1
    else if (heldIndex(part, row) >= 0) found |= 1 << HELD
    else found |= 1 << (HELD + part.reason[row]!)
  }
  return found
}

function bits(value: number): number {
  let count = 0
  for (let rest = value; rest !== 0; rest &= rest - 1) count++
  return count
}
