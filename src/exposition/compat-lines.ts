import type { ConsumerKind } from '../model/consumer.ts'
import { KNOWN, reasonCode } from '../model/reason.ts'
import { heldIndex, isFresh, type Snapshot } from '../model/snapshot.ts'
import { consumerAt, topicAt, topicEnd } from './block-order.ts'
import type { Family } from './families.ts'
import { labelText } from './label-text.ts'
import { isPause, type Lines, type OrderedSnapshot } from './lines.ts'

/** One line a cluster: how many brokers it has, once the cluster has said so. */
export const brokersAs = (family: Family): Lines =>
  function* ({ snapshot }, page) {
    if (snapshot.catalog.brokers.length === 0) return
    page.label(labelText(family, snapshot.kafkaCluster))
    if (!page.fits()) yield* page.take()
    page.line(snapshot.catalog.brokers.length)
  }

export const brokerInfoAs = (family: Family): Lines =>
  function* ({ snapshot }, page) {
    for (const { id, host, port } of snapshot.catalog.brokers.toSorted((a, b) => a.id - b.id)) {
      page.label(labelText(family, snapshot.kafkaCluster, String(id), `${host}:${port}`))
      if (!page.fits()) yield* page.take()
      page.line(1)
    }
  }

/** How many partitions each topic has. */
export const topicSizeAs = (family: Family): Lines =>
  function* ({ snapshot }, page) {
    for (const [index, { name, partitions }] of snapshot.catalog.topics.entries()) {
      page.label(labelText(family, snapshot.kafkaCluster, name))
      if (!page.fits()) yield* page.take()
      page.line(partitions)
      if (isPause(index)) yield* page.take()
    }
  }

/** The leader of every partition that has one. */
export const leaderAs = (family: Family): Lines =>
  function* ({ snapshot }, page) {
    const { leader, topics } = snapshot.catalog
    for (const [index, { name, partitions, firstRow }] of topics.entries()) {
      page.label(labelText(family, snapshot.kafkaCluster, name))
      for (let partition = 0; partition < partitions; partition++) {
        if (!page.fits()) yield* page.take()
        const id = leader[firstRow + partition]!
        if (id >= 0) page.partitionLine(partition, id)
      }
      if (isPause(index)) yield* page.take()
    }
  }

/**
 * Positions added up over the partitions of a topic that have one. No line when one of them could not be read: the
 * difference of two such sums would look like records consumed.
 */
export const positionSumAs = (family: Family): Lines =>
  function* (view, page) {
    const { snapshot, order } = view
    let seen = 0
    for (let place = 0, end = 0; place < order.block.length; place = end) {
      end = topicEnd(snapshot, order, place)
      const sum = positionSum(view, place, end)
      if (sum !== undefined) {
        const [consumer, topic] = [consumerAt(snapshot, order, place), topicAt(snapshot, order, place)]
        page.label(labelText(family, snapshot.kafkaCluster, consumer, topic))
        if (!page.fits()) yield* page.take()
        page.line(sum)
      }
      seen += 1 + rowsAt(view, place)
      if (seen < ROWS_AT_ONCE) continue
      seen = 0
      yield* page.take()
    }
  }

const ROWS_AT_ONCE = 65_536
const NO_POSITION = reasonCode('no_position')

function rowsAt({ snapshot, order }: OrderedSnapshot, place: number): number {
  const { blockFirst } = snapshot.parts[order.part[place]!]!.batch
  return blockFirst[order.block[place]! + 1]! - blockFirst[order.block[place]!]!
}

function positionSum({ snapshot, order }: OrderedSnapshot, from: number, to: number): number | undefined {
  // Word by word, which stays exact for two million partitions of a topic.
  let [low, high] = [0, 0]
  let isAny = false
  for (let place = from; place < to; place++) {
    const part = snapshot.parts[order.part[place]!]!
    const { batch, held } = part
    if (batch.holds === 'lag') return undefined
    const block = order.block[place]!
    for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
      const index = isFresh(part, row) ? -1 : heldIndex(part, row)
      const hasPosition = index >= 0 ? held.positioned[index] === 1 : batch.reason[row] === KNOWN
      if (hasPosition) {
        const column = index >= 0 ? held.position : batch.value
        const at = index >= 0 ? index : row
        low += column[at * 2]!
        high += column[at * 2 + 1]!
        isAny = true
      } else if (index < 0 && batch.reason[row] !== NO_POSITION) return undefined
    }
  }
  return isAny ? Number((BigInt(high) << 32n) + BigInt(low)) : undefined
}

/** The largest lag of a consumer on one partition, where its sum is known: a larger one could hide otherwise. */
export const maxLagAs = (family: Family): Lines =>
  function* (view, page) {
    const { snapshot, order } = view
    let seen = 0
    let place = 0
    for (const { consumer, lag } of snapshot.consumers) {
      while (place < order.block.length && consumerAt(snapshot, order, place) < consumer.name) place++
      let largest = 0
      for (; place < order.block.length && consumerAt(snapshot, order, place) === consumer.name; place++) {
        const part = snapshot.parts[order.part[place]!]!
        const block = order.block[place]!
        for (let row = part.batch.blockFirst[block]!; row < part.batch.blockFirst[block + 1]!; row++) {
          const held = isFresh(part, row) ? -1 : heldIndex(part, row)
          if (isFresh(part, row)) largest = Math.max(largest, part.lag[row]!)
          else if (held >= 0) largest = Math.max(largest, part.held.lag[held]!)
          seen++
        }
        if (seen >= ROWS_AT_ONCE) {
          seen = 0
          yield* page.take()
        }
      }
      if (lag === undefined) continue
      page.label(labelText(family, snapshot.kafkaCluster, consumer.name))
      if (!page.fits()) yield* page.take()
      page.line(largest)
    }
  }

/** The same lines, of consumers of some kinds only. */
export const ofKinds = (isKept: (kind: ConsumerKind) => boolean, lines: Lines): Lines =>
  function* (view, page) {
    const { snapshot, order } = view
    const kinds = new Set(snapshot.parts.flatMap(({ batch }) => batch.consumers.map(({ kind }) => kind)))
    const kept = [...kinds].filter(isKept)
    if (kept.length === 0) return
    if (kept.length === kinds.size) {
      yield* lines(view, page)
      return
    }
    const places: number[] = []
    for (let place = 0; place < order.block.length; place++) {
      if (isKept(kindAt(snapshot, view, place))) places.push(place)
      if (isPause(place)) yield* page.take()
    }
    const part = Uint32Array.from(places, (place) => order.part[place]!)
    yield* page.take()
    const block = Uint32Array.from(places, (place) => order.block[place]!)
    yield* page.take()
    yield* lines({ snapshot, order: { part, block } }, page)
  }

function kindAt(snapshot: Snapshot, { order }: OrderedSnapshot, place: number): ConsumerKind {
  const { batch } = snapshot.parts[order.part[place]!]!
  return batch.consumers[batch.blockConsumer[order.block[place]!]!]!.kind
}
