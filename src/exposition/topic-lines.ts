import type { Objective } from '../model/objective.ts'
import { reasons } from '../model/reason.ts'
import { heldIndex, isFresh, type RowState, type SnapshotPart } from '../model/snapshot.ts'
import { consumerAt, topicAt, topicEnd } from './block-order.ts'
import { type Family, lagFamilies } from './families.ts'
import { labelText } from './label-text.ts'
import { isPause, type Lines, type OrderedSnapshot } from './lines.ts'
import { byName, sortInSteps } from './sort-in-steps.ts'

/** Sums over the partitions of a topic, where all of them are known (I3). */
export const topicRecordsLagAs = (family: Family): Lines =>
  function* (view, page) {
    const { snapshot, order } = view
    for (let place = 0, end = 0; place < order.block.length; place = end) {
      end = topicEnd(snapshot, order, place)
      let lag = 0
      let isComplete = true
      for (let at = place; at < end; at++) {
        const part = snapshot.parts[order.part[at]!]!
        isComplete &&= part.blockComplete[order.block[at]!] === 1
        lag += part.blockLag[order.block[at]!]!
      }
      if (isComplete) {
        page.label(labelText(family, snapshot.kafkaCluster, ...namesAt(view, place)))
        if (!page.fits()) yield* page.take()
        page.line(lag)
      }
      if (isPause(place)) yield* page.take()
    }
  }

export const topicRecordsLag = topicRecordsLagAs(lagFamilies.topicRecordsLag)

/** In the order in which they are printed; `known` stands for every row with a lag of this cycle. */
const states: readonly RowState[] = ['known', 'held', ...reasons]
const HELD = 1

/** How many partitions are in which state: `known` always, the others where there are any. */
export const partitions: Lines = function* (view, page) {
  const { snapshot, order } = view
  const counts = new Uint32Array(states.length)
  for (let place = 0, end = 0; place < order.block.length; place = end) {
    end = topicEnd(snapshot, order, place)
    counts.fill(0)
    for (let at = place; at < end; at++) countStates(snapshot.parts[order.part[at]!]!, order.block[at]!, counts)
    for (let state = 0; state < states.length; state++) {
      if (counts[state] === 0 && state > 0) continue
      page.label(labelText(lagFamilies.partitions, snapshot.kafkaCluster, ...namesAt(view, place), states[state]))
      if (!page.fits()) yield* page.take()
      page.line(counts[state]!)
    }
    if (isPause(place)) yield* page.take()
  }
}

function countStates(part: SnapshotPart, block: number, counts: Uint32Array): void {
  const end = part.batch.blockFirst[block + 1]!
  for (let row = part.batch.blockFirst[block]!; row < end; row++) {
    if (isFresh(part, row)) counts[0]!++
    else if (heldIndex(part, row) >= 0) counts[HELD]!++
    else counts[HELD + part.reason[row]!]!++
  }
}

/** What was promised in one of its units, in the order consumer, topic, severity. */
const objectivesAs = (family: Family, value: (objective: Objective) => number | undefined): Lines =>
  function* ({ snapshot }, page) {
    const promised = snapshot.objectives.filter((objective) => value(objective) !== undefined)
    yield* page.take()
    const sorting = sortInSteps(promised, byConsumerTopicSeverity)
    let step = sorting.next()
    for (; step.done !== true; step = sorting.next()) yield* page.take()
    for (const objective of step.value) {
      const { consumer, topic, owner, severity } = objective
      page.label(labelText(family, snapshot.kafkaCluster, consumer, topic, owner, severity))
      if (!page.fits()) yield* page.take()
      page.line(value(objective)!)
    }
  }

export const objectiveRecords = objectivesAs(lagFamilies.objectiveRecords, ({ records }) => records)
export const objectiveSeconds = objectivesAs(lagFamilies.objectiveSeconds, ({ seconds }) => seconds)

function byConsumerTopicSeverity(a: Objective, b: Objective): number {
  return byName(a.consumer, b.consumer) || byName(a.topic, b.topic) || byName(a.severity, b.severity)
}

function namesAt({ snapshot, order }: OrderedSnapshot, place: number): [string, string] {
  return [consumerAt(snapshot, order, place), topicAt(snapshot, order, place)]
}
