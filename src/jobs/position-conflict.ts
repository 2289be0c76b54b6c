import { evidenceLines, topicName } from './evidence-lines.ts'
import type { JobGauges } from './facts.ts'
import type { Judge } from './judgement.ts'

/**
 * Two subtasks of one operator have a gauge for the same partition, and the gauges differ: two processes believe to be
 * the same subtask's successor, or one still shows what it has given away. Two operators are another finding.
 */
export const positionConflict: Judge = ({ gauges, hasAllPages }) => {
  if (gauges === undefined) return 'unknown'
  const evidence = conflicts(gauges)
  if (evidence.length === 0) return hasAllPages ? 'fine' : 'unknown'
  return {
    kind: 'position_conflict',
    message:
      'Two subtasks of one operator claim the same partition and differ about the position: the smaller is taken, so the lag may be too large',
    evidence: evidenceLines(evidence),
  }
}

function conflicts({ partitions }: JobGauges): readonly string[] {
  const seen = new Map<string, JobGauges['partitions'][number]>()
  const found: string[] = []
  for (const reading of partitions) {
    const { operator, topic, kafkaCluster, partition, current } = reading
    const key = `${operator.operatorId}\0${partition}\0${topic}\0${kafkaCluster}`
    const other = seen.get(key)
    if (other === undefined) seen.set(key, reading)
    else if (
      other.operator.subtask !== operator.subtask &&
      isPosition(current) &&
      isPosition(other.current) &&
      current !== other.current
    )
      found.push(
        `partition ${partition} of ${topicName(topic, kafkaCluster)} by operator ${operator.operatorName}: subtask ${other.operator.subtask} at ${other.current} (${other.url}), subtask ${operator.subtask} at ${current} (${reading.url})`,
      )
  }
  return found
}

/** Below 0 a gauge says that it has read nothing yet. */
function isPosition(gauge: number | undefined): boolean {
  return gauge !== undefined && gauge >= 0
}
