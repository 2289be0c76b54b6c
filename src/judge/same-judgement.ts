import type { TopicJudgement } from '../model/judgement.ts'

/** Whether two judgements say the same. */
export function sameJudgement(one: TopicJudgement, other: TopicJudgement): boolean {
  return (
    one.status === other.status &&
    one.why === other.why &&
    one.since === other.since &&
    one.timeLag?.seconds === other.timeLag?.seconds &&
    one.timeLag?.uncertainty === other.timeLag?.uncertainty &&
    one.timeLag?.source === other.timeLag?.source &&
    one.eventTimeLag === other.eventTimeLag &&
    one.produceRate === other.produceRate &&
    one.consumeRate === other.consumeRate &&
    one.drain === other.drain &&
    one.headroomRecords === other.headroomRecords &&
    one.headroomSeconds === other.headroomSeconds &&
    one.outlook === other.outlook &&
    one.positionChangedAt === other.positionChangedAt &&
    one.commitInterval === other.commitInterval &&
    one.rewinds === other.rewinds
  )
}
