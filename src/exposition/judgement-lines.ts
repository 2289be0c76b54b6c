import { statuses, type TopicJudgement } from '../model/judgement.ts'
import { consumerAt, topicAt, topicEnd } from './block-order.ts'
import { type Family, lagFamilies } from './families.ts'
import { thousandths } from './json-row.ts'
import { labelText } from './label-text.ts'
import { isPause, type Lines, type OrderedSnapshot } from './lines.ts'
import type { PageWriter } from './page-writer.ts'
import type { TableRow } from './table.ts'

/** The families of what is thought of consumers, in the order in which they are printed. */
export const judgementTable: readonly TableRow[] = [
  row(lagFamilies.timeLag, (judgement) => judgement.timeLag?.seconds),
  row(lagFamilies.timeLagUncertainty, (judgement) => judgement.timeLag?.uncertainty),
  row(lagFamilies.eventTimeLag, (judgement) => judgement.eventTimeLag),
  [lagFamilies.status, status],
  row(lagFamilies.rewinds, (judgement) => judgement.rewinds),
  row(lagFamilies.positionChangedAt, ({ positionChangedAt: at }) => at && at / 1_000),
  row(lagFamilies.commitInterval, ({ commitInterval: interval }) => interval && interval / 1_000),
  row(lagFamilies.produceRate, (judgement) => judgement.produceRate),
  row(lagFamilies.consumeRate, (judgement) => judgement.consumeRate),
  row(lagFamilies.drain, (judgement) => judgement.drain),
  row(lagFamilies.headroomRecords, (judgement) => judgement.headroomRecords),
  row(lagFamilies.headroomSeconds, (judgement) => judgement.headroomSeconds),
]

function row(family: Family, pick: (judgement: TopicJudgement) => number | undefined): TableRow {
  return [family, judgementLines(family, pick), undefined, 'judgements']
}

/** One line for every consumer and topic of which the judgement has the number. */
function judgementLines(family: Family, pick: (judgement: TopicJudgement) => number | undefined): Lines {
  return function* ({ snapshot, order }, page) {
    for (let place = 0, end = 0; place < order.block.length; place = end) {
      end = topicEnd(snapshot, order, place)
      const consumer = consumerAt(snapshot, order, place)
      const topic = topicAt(snapshot, order, place)
      const judgement = snapshot.judgements?.get(consumer)?.topics.get(topic)
      const value = judgement && pick(judgement)
      if (value !== undefined) {
        page.label(labelText(family, snapshot.kafkaCluster, consumer, topic))
        if (!page.fits()) yield* page.take()
        page.line(thousandths(value))
      }
      if (isPause(place)) yield* page.take()
    }
  }
}

/** 1 for the status that a consumer has, and 0 for each other. */
function* status({ snapshot }: OrderedSnapshot, page: PageWriter): Generator<Uint8Array, void> {
  for (const [index, { consumer, present }] of snapshot.consumers.entries()) {
    const judgement = present ? snapshot.judgements?.get(consumer.name) : undefined
    for (const one of judgement === undefined ? [] : statuses) {
      page.label(labelText(lagFamilies.status, snapshot.kafkaCluster, consumer.name, one))
      if (!page.fits()) yield* page.take()
      page.line(one === judgement?.status ? 1 : 0)
    }
    if (isPause(index)) yield* page.take()
  }
}
