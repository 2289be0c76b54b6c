import { outlooks, statuses, type TopicJudgement } from '../../src/model/judgement.ts'
import { type Judgements, judgementColumns, NUMBERS, places } from '../../src/model/judgements.ts'
import { timeLagSources } from '../../src/model/time-lag.ts'

/** What a judge would have written of blocks. */
export function fakeJudgements(blocks: readonly TopicJudgement[]): Judgements {
  const columns = judgementColumns(blocks.length)
  for (const [block, judgement] of blocks.entries()) {
    const { status, outlook, timeLag, why } = judgement
    columns.status[block] = statuses.indexOf(status)
    columns.outlook[block] = outlooks.indexOf(outlook)
    if (timeLag !== undefined) columns.source[block] = timeLagSources.indexOf(timeLag.source)
    if (why !== undefined) columns.why.set(block, why)
    const numbers: Record<keyof typeof places, number | undefined> = {
      since: judgement.since,
      timeLag: timeLag?.seconds,
      uncertainty: timeLag?.uncertainty,
      eventTimeLag: judgement.eventTimeLag,
      produceRate: judgement.produceRate,
      consumeRate: judgement.consumeRate,
      drain: judgement.drain,
      headroomRecords: judgement.headroomRecords,
      headroomSeconds: judgement.headroomSeconds,
      positionChangedAt: judgement.positionChangedAt,
      commitInterval: judgement.commitInterval,
      rewinds: judgement.rewinds,
    }
    for (const [name, value] of Object.entries(numbers))
      columns.numbers[block * NUMBERS + places[name as keyof typeof places]] = value ?? Number.NaN
  }
  return columns
}
