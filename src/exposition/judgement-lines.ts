import { statuses, type TopicJudgement } from '../model/judgement.ts'
import { consumerAt, topicAt, topicEnd } from './block-order.ts'
import { type Family, lagFamilies } from './families.ts'
import { thousandths } from './json-row.ts'
import { labelText } from './label-text.ts'
import { isPause, type Lines } from './lines.ts'

export const timeLag = judgementLines(lagFamilies.timeLag, (judgement) => judgement.timeLag?.seconds)
export const timeLagUncertainty = judgementLines(
  lagFamilies.timeLagUncertainty,
  (judgement) => judgement.timeLag?.uncertainty,
)
export const eventTimeLag = judgementLines(lagFamilies.eventTimeLag, (judgement) => judgement.eventTimeLag)
export const rewinds = judgementLines(lagFamilies.rewinds, (judgement) => judgement.rewinds)
export const positionChangedAt = judgementLines(
  lagFamilies.positionChangedAt,
  ({ positionChangedAt: at }) => at && at / 1_000,
)
export const commitInterval = judgementLines(
  lagFamilies.commitInterval,
  ({ commitInterval: interval }) => interval && interval / 1_000,
)
export const produceRate = judgementLines(lagFamilies.produceRate, (judgement) => judgement.produceRate)
export const consumeRate = judgementLines(lagFamilies.consumeRate, (judgement) => judgement.consumeRate)
export const drain = judgementLines(lagFamilies.drain, (judgement) => judgement.drain)
export const headroomRecords = judgementLines(lagFamilies.headroomRecords, (judgement) => judgement.headroomRecords)
export const headroomSeconds = judgementLines(lagFamilies.headroomSeconds, (judgement) => judgement.headroomSeconds)

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
export const status: Lines = function* ({ snapshot }, page) {
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
