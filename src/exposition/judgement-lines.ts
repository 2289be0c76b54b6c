import { statuses } from '../model/judgement.ts'
import { type JudgementNumber, numberAt, places } from '../model/judgements.ts'
import { consumerAt, topicAt, topicEnd } from './block-order.ts'
import { type Family, lagFamilies } from './families.ts'
import { thousandths } from './json-row.ts'
import { labelText } from './label-text.ts'
import { isPause, type Lines, type OrderedSnapshot } from './lines.ts'
import type { PageWriter } from './page-writer.ts'
import type { TableRow } from './table.ts'

/** Moments and spans are milliseconds there, and seconds on the page. */
const MILLI = 0.001

/** The families of what is thought of consumers, in the order in which they are printed. */
export const judgementTable: readonly TableRow[] = [
  row(lagFamilies.timeLag, 'timeLag'),
  row(lagFamilies.timeLagUncertainty, 'uncertainty'),
  row(lagFamilies.eventTimeLag, 'eventTimeLag'),
  [lagFamilies.status, status],
  row(lagFamilies.rewinds, 'rewinds'),
  row(lagFamilies.positionChangedAt, 'positionChangedAt', MILLI),
  row(lagFamilies.commitInterval, 'commitInterval', MILLI),
  row(lagFamilies.produceRate, 'produceRate'),
  row(lagFamilies.consumeRate, 'consumeRate'),
  row(lagFamilies.drain, 'drain'),
  row(lagFamilies.headroomRecords, 'headroomRecords'),
  row(lagFamilies.headroomSeconds, 'headroomSeconds'),
]

function row(family: Family, number: JudgementNumber, scale = 1): TableRow {
  return [family, judgementLines(family, places[number], scale), undefined, number]
}

/** One line for every consumer and topic of which the judgement has the number. */
function judgementLines(family: Family, at: number, scale: number): Lines {
  return function* ({ snapshot, order }, page) {
    for (let place = 0, end = 0; place < order.block.length; place = end) {
      end = topicEnd(snapshot, order, place)
      const { judgements } = snapshot.parts[order.part[place]!]!
      const value = judgements === undefined ? Number.NaN : numberAt(judgements, order.block[place]!, at)
      if (!Number.isNaN(value)) {
        const consumer = consumerAt(snapshot, order, place)
        const topic = topicAt(snapshot, order, place)
        page.label(labelText(family, snapshot.kafkaCluster, consumer, topic))
        if (!page.fits()) yield* page.take()
        page.line(thousandths(value * scale))
      }
      if (isPause(place)) yield* page.take()
    }
  }
}

/** 1 for the status that a consumer has, and 0 for each other. */
function* status({ snapshot }: OrderedSnapshot, page: PageWriter): Generator<Uint8Array, void> {
  for (const [index, { consumer, present, status: its }] of snapshot.consumers.entries()) {
    for (const one of present && its !== undefined ? statuses : []) {
      page.label(labelText(lagFamilies.status, snapshot.kafkaCluster, consumer.name, one))
      if (!page.fits()) yield* page.take()
      page.line(one === its ? 1 : 0)
    }
    if (isPause(index)) yield* page.take()
  }
}
