import { evidenceLines, inList, topicName } from './evidence-lines.ts'
import { isRunning, type Judge } from './judgement.ts'

/** A topic that the job reads has partitions that no subtask reads: they came later, and discovery is off. */
export const partitionUnread: Judge = ({ job, gauges, hasAllPages, partitionsOf }) => {
  if (!isRunning(job)) return 'fine'
  if (gauges === undefined || !hasAllPages) return 'unknown'
  const topics = new Map<
    string,
    { readonly topic: string; readonly kafkaCluster?: string; readonly read: Set<number> }
  >()
  for (const { topic, kafkaCluster, partition } of gauges.partitions) {
    const name = topicName(topic, kafkaCluster)
    const found = topics.get(name) ?? {
      topic,
      ...(kafkaCluster === undefined ? {} : { kafkaCluster }),
      read: new Set(),
    }
    found.read.add(partition)
    topics.set(name, found)
  }
  const evidence: string[] = []
  let isKnown = true
  for (const [name, { topic, kafkaCluster, read }] of topics) {
    const count = partitionsOf(topic, kafkaCluster)
    if (count === undefined) isKnown = false
    else {
      const unread = Array.from({ length: count }, (_, partition) => partition).filter(
        (partition) => !read.has(partition),
      )
      if (unread.length > 0)
        evidence.push(`nobody reads ${unread.length} of ${count} partitions of ${name}: ${inList(unread.map(String))}`)
    }
  }
  if (evidence.length === 0) return isKnown ? 'fine' : 'unknown'
  return {
    kind: 'partition_unread',
    message:
      'Records of some partitions are never read: partitions were added and the discovery of the source is off, or its partitions are named one by one',
    evidence: evidenceLines(evidence),
  }
}
