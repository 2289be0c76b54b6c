import type { Consumer } from '../model/consumer.ts'
import { offsetAt } from '../model/offsets.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'

/** What one source has of a consumer. */
export interface StoreRows {
  /** Absent when the source does not know it. */
  readonly consumer: Consumer | undefined
  readonly blocks: readonly { readonly batch: PositionBatch; readonly block: number }[]
  /** Reason code, when the source could not read the consumer. */
  readonly failed: number | undefined
}

/** What is kept of a partition from one cycle to the next, by source. */
interface Past {
  readonly position: readonly (bigint | undefined)[]
  /** Cycle in which its position was seen to be another one than before; 0 for never. */
  readonly movedAt: readonly number[]
  /** The source whose position counted. */
  readonly chosen: number | undefined
}

/** What is kept of a consumer from one cycle to the next. */
export interface KeptPositions {
  readonly consumer: Consumer
  readonly topics: ReadonlyMap<string, ReadonlyMap<number, Past>>
}

interface MergedRow {
  readonly partition: number
  /** 0 = known. */
  readonly reason: number
  /** Where position and epoch are; absent without one. */
  readonly source: Row | undefined
}

export interface MergedConsumer {
  readonly consumer: Consumer
  /** Sorted by topic, rows by partition. */
  readonly blocks: readonly { readonly topic: string; readonly rows: readonly MergedRow[] }[]
  readonly kept: KeptPositions
}

interface Row {
  readonly batch: PositionBatch
  readonly row: number
}

const NO_POSITION = reasonCode('no_position')

/**
 * The rows of one consumer that several stores may keep the positions of, as one row a partition. The position that
 * moved last since we watch counts, since a consumer writes where it reads; where none has moved on this partition, the
 * store that the consumer wrote to last on any other. Moved together, the larger one counts: so does Kafka's old
 * consumer choose while `dual.commit.enabled` moves it from ZooKeeper to Kafka. Before anything moved, a Kafka group with
 * live members counts when ZooKeeper has none, because members commit to Kafka alone; else the larger one.
 *
 * A store that could not be read leaves the other one alone to say what the position is, unless it was the unread one
 * that counted: then the row says why, so that the earlier one is held. Yields between its steps.
 *
 * @param past what the cycle before returned as `kept`
 * @param cycle grows by 1
 */
export function* mergeConsumer(
  stores: readonly StoreRows[],
  past: KeptPositions | undefined,
  cycle: number,
): Generator<void, MergedConsumer, void> {
  const partitions = yield* rowsByPartition(stores, past)
  const moves = new Map<string, Map<number, Omit<Past, 'chosen'>>>()
  const lastMove = stores.map(() => 0)
  for (const [topic, rows] of partitions) {
    const of = new Map<number, Omit<Past, 'chosen'>>()
    moves.set(topic, of)
    for (const [partition, row] of rows) {
      const moved = move(row, past?.topics.get(topic)?.get(partition), stores, cycle)
      of.set(partition, moved)
      for (const [source, at] of moved.movedAt.entries()) lastMove[source] = Math.max(lastMove[source]!, at)
    }
    yield
  }
  const live = liveStore(stores)
  const topics = new Map<string, Map<number, Past>>()
  const blocks: { topic: string; rows: MergedRow[] }[] = []
  const counted = new Set<number>()
  for (const topic of [...partitions.keys()].sort()) {
    const rows: MergedRow[] = []
    const kept = new Map<number, Past>()
    topics.set(topic, kept)
    const found = partitions.get(topic)!
    for (const partition of [...found.keys()].sort((a, b) => a - b)) {
      const candidates = found.get(partition)!
      const moved = moves.get(topic)!.get(partition)!
      const before = past?.topics.get(topic)?.get(partition)
      const choice = choose(candidates, moved, before, { stores, lastMove, live, cycle })
      if (choice.source !== undefined) counted.add(choice.source)
      kept.set(partition, { ...moved, chosen: choice.source ?? before?.chosen })
      rows.push({
        partition,
        reason: choice.reason,
        source: choice.source === undefined ? undefined : candidates[choice.source],
      })
    }
    if (rows.length > 0) blocks.push({ topic, rows })
    yield
  }
  const consumer = asOne(stores, counted, past?.consumer)
  return { consumer, blocks, kept: { consumer, topics } }
}

type Candidates = readonly (Row | undefined)[]

/** Every partition that some store has a row for, and while one cannot be read every one that there was. */
function* rowsByPartition(
  stores: readonly StoreRows[],
  past: KeptPositions | undefined,
): Generator<void, ReadonlyMap<string, ReadonlyMap<number, Candidates>>, void> {
  const found = new Map<string, Map<number, (Row | undefined)[]>>()
  const at = (topic: string, partition: number): (Row | undefined)[] => {
    const rows = found.get(topic) ?? new Map<number, (Row | undefined)[]>()
    found.set(topic, rows)
    const candidates = rows.get(partition) ?? stores.map(() => undefined)
    rows.set(partition, candidates)
    return candidates
  }
  for (const [source, { blocks, failed }] of stores.entries()) {
    for (const { batch, block } of blocks) {
      const topic = batch.topics[batch.blockTopic[block]!]!.name
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++)
        at(topic, batch.partition[row]!)[source] = { batch, row }
      yield
    }
    if (failed === undefined) continue
    for (const [topic, rows] of past?.topics ?? []) for (const partition of rows.keys()) at(topic, partition)
  }
  return found
}

function positionOf(row: Row | undefined): bigint | undefined {
  return row === undefined || row.batch.reason[row.row] !== KNOWN ? undefined : offsetAt(row.batch.value, row.row)
}

/** What a store says of a partition without saying a position; 0 when it says nothing. */
function reasonOfRow(row: Row | undefined): number {
  return row === undefined ? KNOWN : row.batch.reason[row.row]!
}

/** There may be a position that we do not know. */
function isUnreadable(reason: number): boolean {
  return reason !== KNOWN && reason !== NO_POSITION
}

/** Positions and movements of a partition, this cycle included. */
function move(
  candidates: Candidates,
  before: Past | undefined,
  stores: readonly StoreRows[],
  cycle: number,
): Omit<Past, 'chosen'> {
  const position: (bigint | undefined)[] = []
  const movedAt: number[] = []
  for (const [source, { failed }] of stores.entries()) {
    const now = positionOf(candidates[source])
    const was = before?.position[source]
    const isUnread = failed !== undefined || isUnreadable(reasonOfRow(candidates[source]))
    // A first position is a movement too, when we know that there was none.
    const hasMoved = now !== undefined && before !== undefined && was !== now
    position.push(isUnread ? was : now)
    movedAt.push(hasMoved ? cycle : (before?.movedAt[source] ?? 0))
  }
  return { position, movedAt }
}

interface Circumstances {
  readonly stores: readonly StoreRows[]
  /** By source: the last cycle in which any position of the consumer moved. */
  readonly lastMove: readonly number[]
  /** The source that the consumer's live members commit to, when that is certain. */
  readonly live: number | undefined
  readonly cycle: number
}

/** The source whose position counts, or the reason why none does. */
function choose(
  candidates: Candidates,
  { position, movedAt }: Omit<Past, 'chosen'>,
  before: Past | undefined,
  { stores, lastMove, live, cycle }: Circumstances,
): { readonly source: number | undefined; readonly reason: number } {
  const readable = stores.flatMap((_, source) => (positionOf(candidates[source]) === undefined ? [] : [source]))
  const why = (source: number): number => stores[source]!.failed ?? reasonOfRow(candidates[source])
  if (readable.length === 0) {
    const reasons = stores.flatMap((_, source) => (why(source) === KNOWN ? [] : [why(source)]))
    const first = before?.chosen === undefined ? KNOWN : why(before.chosen)
    const unread = reasons.find(isUnreadable)
    return { source: undefined, reason: first === KNOWN ? (unread ?? NO_POSITION) : first }
  }
  const best = latest(readable, movedAt) ?? latest(readable, lastMove) ?? larger(readable, position, live)
  const counted = before?.chosen
  if (counted === undefined || readable.includes(counted) || !isUnreadable(why(counted)))
    return { source: best, reason: KNOWN }
  // The one that counted cannot be read now. Another one that stood where it stood, or moves, is as good.
  const isAsGood = before?.position[best] === before?.position[counted] || movedAt[best] === cycle
  return isAsGood ? { source: best, reason: KNOWN } : { source: undefined, reason: why(counted) }

  function latest(sources: readonly number[], moves: readonly number[]): number | undefined {
    const last = Math.max(...sources.map((source) => moves[source]!))
    return last === 0
      ? undefined
      : larger(
          sources.filter((source) => moves[source] === last),
          position,
          undefined,
        )
  }
}

/** The source with the largest position, the first of equal ones; the preferred one when it is among them. */
function larger(
  sources: readonly number[],
  position: readonly (bigint | undefined)[],
  preferred: number | undefined,
): number {
  if (preferred !== undefined && sources.includes(preferred)) return preferred
  return sources.reduce((best, source) => (position[source]! > position[best]! ? source : best))
}

/** A member of a Kafka group commits to Kafka; Kafka's old consumer, which is no member of any, may do either. */
function liveStore(stores: readonly StoreRows[]): number | undefined {
  const live = stores.flatMap(({ consumer }, source) => ((consumer?.members ?? 0) > 0 ? [source] : []))
  const [only] = live
  return live.length === 1 && only !== undefined && stores[only]!.consumer?.kind !== 'zookeeper' ? only : undefined
}

/**
 * The consumer as one: the kind is that of the first store of which a position counted, so that it is `zookeeper` only
 * while ZooKeeper alone counts. Members of one store are not members of the other.
 */
function asOne(stores: readonly StoreRows[], counted: ReadonlySet<number>, past: Consumer | undefined): Consumer {
  const known = stores.flatMap(({ consumer }) => consumer ?? [])
  const main = stores.find(({ consumer }, source) => consumer !== undefined && counted.has(source))?.consumer
  const one = main ?? past ?? known[0]!
  const state = known.find((consumer) => consumer.state !== undefined)?.state ?? past?.state
  const isUnread = stores.some(({ failed }) => failed !== undefined)
  const members = known.map((consumer) => consumer.members)
  const sum = members.reduce<number | undefined>(
    (total, count) => (total === undefined || count === undefined ? undefined : total + count),
    0,
  )
  return {
    name: one.name,
    kind: isUnread && past !== undefined ? past.kind : one.kind,
    ...(one.group === undefined ? {} : { group: one.group }),
    ...(state === undefined ? {} : { state }),
    ...(isUnread || sum === undefined ? {} : { members: sum }),
    ...(known.some(({ partial }) => partial === true) ? { partial: true } : {}),
  }
}
