import type { Consumer } from '../model/consumer.ts'
import type { TopicJudgement } from '../model/judgement.ts'
import type { Objective } from '../model/objective.ts'
import { isoTime, thousandths, timeLagWords } from './json-row.ts'

/** What is thought of a consumer on one topic, in JSON's words; what is undefined is unknown. */
export function judgementWords(
  kafkaCluster: string,
  { name, kind }: Consumer,
  topic: string,
  judgement: TopicJudgement,
  lag: number | undefined,
  objectives: readonly Objective[],
): object {
  const { positionChangedAt, commitInterval } = judgement
  return {
    kafka_cluster: kafkaCluster,
    consumer: name,
    kind,
    topic,
    status: judgement.status,
    why: judgement.why,
    since: isoTime(judgement.since),
    records_lag: lag,
    ...timeLagWords(judgement.timeLag),
    event_time_lag_seconds: thousandths(judgement.eventTimeLag),
    produce_records_per_second: thousandths(judgement.produceRate),
    consume_records_per_second: thousandths(judgement.consumeRate),
    drain_seconds: thousandths(judgement.drain),
    retention_headroom_records: judgement.headroomRecords,
    retention_headroom_seconds: thousandths(judgement.headroomSeconds),
    outlook: judgement.outlook,
    position_changed: positionChangedAt === undefined ? undefined : isoTime(positionChangedAt),
    commit_interval_seconds: commitInterval === undefined ? undefined : thousandths(commitInterval / 1_000),
    rewinds: judgement.rewinds,
    objectives: objectives.map(({ records, seconds, owner, severity }) => ({ records, seconds, owner, severity })),
  }
}
