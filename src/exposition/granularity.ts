import { consumerAt } from './block-order.ts'
import type { OrderedSnapshot } from './lines.ts'

/** How finely the series of a consumer are printed: with partitions, with topics, or as totals only. */
export const granularities = ['partition', 'topic', 'consumer'] as const
export type Granularity = (typeof granularities)[number]

/** A granularity as a number that grows as less is printed; `NOTHING` is only ever chosen by a limit. */
export const [PARTITION, TOPIC, CONSUMER, NOTHING] = [0, 1, 2, 3] as const

/** The consumers of a snapshot in printing order, as columns: where their blocks lie, and how finely each is printed. */
export interface ConsumerLevels {
  readonly names: readonly string[]
  /** Index into the snapshot's consumers; −1 for one that has rows but no total. */
  readonly total: Int32Array
  /** The places of consumer n in the order are `first[n] … first[n + 1] − 1`. */
  readonly first: Uint32Array
  /** One of the levels above; limits write here. */
  readonly level: Uint8Array
}

const STEP = 4096

/** Walks the consumers of a snapshot, which have rows, a total, or both, and asks for the granularity of each. */
export function* consumerLevels(
  { snapshot, order }: OrderedSnapshot,
  granularityOf: ((consumer: string) => Granularity) | undefined,
): Generator<void, ConsumerLevels, void> {
  const totals = snapshot.consumers
  const names: string[] = []
  const total: number[] = []
  const first: number[] = []
  for (let place = 0, index = 0; place < order.block.length || index < totals.length; ) {
    const listed = totals[index]?.consumer.name
    const printed = place < order.block.length ? consumerAt(snapshot, order, place) : undefined
    const name = listed === undefined || (printed !== undefined && printed < listed) ? printed! : listed
    names.push(name)
    total.push(name === listed ? index++ : -1)
    first.push(place)
    while (place < order.block.length && consumerAt(snapshot, order, place) === name) {
      place++
      if (place % STEP === 0) yield
    }
    if (names.length % STEP === 0) yield
  }
  first.push(order.block.length)
  const level = new Uint8Array(names.length)
  if (granularityOf !== undefined) {
    for (let at = 0; at < names.length; at++) {
      level[at] = granularities.indexOf(granularityOf(names[at]!))
      // A user's pattern that was not decided before costs far more than a look.
      if (at % 256 === 255) yield
    }
  }
  return { names, total: Int32Array.from(total), first: Uint32Array.from(first), level }
}

/** What the families of each level may see of a snapshot. */
export interface Views {
  /** Only consumers that are printed with their partitions. */
  readonly partition: OrderedSnapshot
  /** Only consumers that are printed with their topics; objectives of these only. */
  readonly topic: OrderedSnapshot
  /** All consumers but those that a limit leaves out. */
  readonly consumer: OrderedSnapshot
  /** Only topics whose own series are printed. */
  readonly log: OrderedSnapshot
  /** Everything. */
  readonly cluster: OrderedSnapshot
}

/** The same view for every level. */
export function wholeViews(view: OrderedSnapshot): Views {
  return { partition: view, topic: view, consumer: view, log: view, cluster: view }
}

/** @param leftOut 1 for each topic of the catalog whose own series are not printed */
export function* narrowViews(
  view: OrderedSnapshot,
  levels: ConsumerLevels,
  leftOut: Uint8Array | undefined,
): Generator<void, Views, void> {
  const { snapshot } = view
  const coarse = new Set<string>()
  const left = new Uint8Array(snapshot.consumers.length)
  for (let at = 0; at < levels.names.length; at++) {
    if (levels.level[at]! > TOPIC) coarse.add(levels.names[at]!)
    if (levels.level[at] === NOTHING && levels.total[at]! >= 0) left[levels.total[at]!] = 1
    if (at % STEP === STEP - 1) yield
  }
  const partition = { snapshot, order: yield* narrowOrder(view, levels, PARTITION) }
  const objectives =
    coarse.size === 0 ? snapshot.objectives : snapshot.objectives.filter(({ consumer }) => !coarse.has(consumer))
  yield
  const topic = { snapshot: { ...snapshot, objectives }, order: yield* narrowOrder(view, levels, TOPIC) }
  const consumers = left.includes(1) ? snapshot.consumers.filter((_, index) => left[index] === 0) : snapshot.consumers
  yield
  const consumer = { snapshot: { ...snapshot, consumers }, order: yield* narrowOrder(view, levels, CONSUMER) }
  if (leftOut === undefined) return { partition, topic, consumer, log: view, cluster: view }
  const topics = snapshot.catalog.topics.filter((_, index) => leftOut[index] === 0)
  yield
  return {
    partition,
    topic,
    consumer,
    log: { ...view, snapshot: { ...snapshot, catalog: { ...snapshot.catalog, topics } } },
    cluster: view,
  }
}

/** The places of consumers that are printed at least as finely as `most`. */
function* narrowOrder(
  { order }: OrderedSnapshot,
  { first, level }: ConsumerLevels,
  most: number,
): Generator<void, OrderedSnapshot['order'], void> {
  let kept = 0
  for (let at = 0; at < level.length; at++) if (level[at]! <= most) kept += first[at + 1]! - first[at]!
  if (kept === order.block.length) return order
  const part = new Uint32Array(kept)
  const block = new Uint32Array(kept)
  let to = 0
  for (let at = 0; at < level.length; at++) {
    if (at % STEP === STEP - 1) yield
    if (level[at]! > most) continue
    part.set(order.part.subarray(first[at], first[at + 1]), to)
    block.set(order.block.subarray(first[at], first[at + 1]), to)
    to += first[at + 1]! - first[at]!
  }
  return { part, block }
}
