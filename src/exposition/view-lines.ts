import type { BlockViews, KnownNumbers, Snapshot } from '../model/snapshot.ts'
import { consumerAt, topicAt, topicEnd } from './block-order.ts'
import { type Family, lagFamilies } from './families.ts'
import { judgementTable } from './judgement-lines.ts'
import { labelText } from './label-text.ts'
import { isPause, type Lines } from './lines.ts'

export const readCommittedRecordsLag = viewLines(lagFamilies.readCommittedRecordsLag, (views) => views.readCommitted)
export const coldRecords = viewLines(lagFamilies.coldRecords, (views) => views.coldRecords)
/** An estimate: a fraction of a byte would say more than it knows. */
export const lagBytes = viewLines(lagFamilies.lagBytes, (views) => views.lagBytes, Math.round)

/** From 0 on for every topic of a consumer, so that the first loss is an increase. */
export const recordsLost: Lines = function* ({ snapshot, order }, page) {
  const { kafkaCluster, lost } = snapshot
  for (let place = 0, end = 0; place < order.block.length; place = end) {
    end = topicEnd(snapshot, order, place)
    if (lost !== undefined && snapshot.parts[order.part[place]!]!.batch.holds === 'position') {
      const consumer = consumerAt(snapshot, order, place)
      const topic = topicAt(snapshot, order, place)
      page.label(labelText(lagFamilies.recordsLost, kafkaCluster, consumer, topic))
      if (!page.fits()) yield* page.take()
      page.line(lost.get(consumer)?.get(topic) ?? 0)
    }
    if (isPause(place)) yield* page.take()
  }
}

/** False for a family of which no snapshot can have a series, because nobody asked for its view. */
export function isAskedFor({ name }: Family, snapshots: readonly Snapshot[]): boolean {
  const has = needs.get(name)
  return has === undefined || snapshots.some(has)
}

const needs: ReadonlyMap<string, (snapshot: Snapshot) => boolean> = new Map([
  ...judgementTable.map(([{ name }]) => [name, isJudged] as const),
  [lagFamilies.readCommittedRecordsLag.name, ({ views }: Snapshot) => views?.stable !== undefined],
  [lagFamilies.coldRecords.name, ({ views }: Snapshot) => views?.local !== undefined],
  [lagFamilies.lagBytes.name, ({ views }: Snapshot) => views?.recordBytes !== undefined],
  [lagFamilies.recordsLost.name, ({ lost }: Snapshot) => lost !== undefined],
])

function isJudged({ parts }: Snapshot): boolean {
  return parts.some(({ judgements }) => judgements !== undefined)
}

/** Sums of a view over the partitions of a topic, where they are known. */
function viewLines(
  family: Family,
  pick: (views: BlockViews) => KnownNumbers | undefined,
  shown: (value: number) => number = (value) => value,
): Lines {
  return function* ({ snapshot, order }, page) {
    for (let place = 0, end = 0; place < order.block.length; place = end) {
      end = topicEnd(snapshot, order, place)
      let sum = 0
      let isKnown = true
      for (let at = place; at < end; at++) {
        const block = order.block[at]!
        const numbers = pick(snapshot.parts[order.part[at]!]!.views ?? {})
        isKnown &&= numbers?.known[block] === 1
        sum += numbers?.value[block] ?? 0
      }
      if (isKnown) {
        page.label(
          labelText(family, snapshot.kafkaCluster, consumerAt(snapshot, order, place), topicAt(snapshot, order, place)),
        )
        if (!page.fits()) yield* page.take()
        page.line(shown(sum))
      }
      if (isPause(place)) yield* page.take()
    }
  }
}
