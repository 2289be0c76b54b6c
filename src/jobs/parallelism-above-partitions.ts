import { evidenceLines, inList, topicName } from './evidence-lines.ts'
import type { Judge } from './judgement.ts'

/** A source has more subtasks than there are partitions: the rest of them never gets a record. */
export const parallelismAbovePartitions: Judge = ({ job, gauges, hasAllPages, partitionsOf }) => {
  if (gauges === undefined || !hasAllPages) return 'unknown'
  const topicsOf = new Map<string, Map<string, { readonly topic: string; readonly kafkaCluster?: string }>>()
  for (const { operator, topic, kafkaCluster } of gauges.partitions) {
    // Two sources can be chained into one vertex by SQL; each is looked at alone.
    const key = `${operator.taskId}\0${operator.operatorId}`
    const topics = topicsOf.get(key) ?? new Map()
    topicsOf.set(key, topics.set(topicName(topic, kafkaCluster), { topic, kafkaCluster }))
  }
  const parallelisms = new Map(job.vertices.map((vertex) => [vertex.id, vertex]))
  const evidence: string[] = []
  let isKnown = true
  for (const [key, topics] of topicsOf) {
    const vertex = parallelisms.get(key.split('\0', 1)[0]!)
    const counts = [...topics.values()].map(({ topic, kafkaCluster }) => partitionsOf(topic, kafkaCluster))
    const partitions = counts.reduce<number | undefined>(
      (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
      0,
    )
    if (vertex === undefined || partitions === undefined) isKnown = false
    else if (vertex.parallelism > partitions)
      evidence.push(
        `parallelism ${vertex.parallelism} for ${partitions} ${partitions === 1 ? 'partition' : 'partitions'} of ${inList([...topics.keys()])}: ${vertex.name}`,
      )
  }
  if (evidence.length === 0) return isKnown ? 'fine' : 'unknown'
  return {
    kind: 'parallelism_above_partitions',
    message:
      'A source has more subtasks than there are partitions to read: the others idle, and hold back watermarks unless idleness is configured',
    evidence: evidenceLines(evidence),
  }
}
