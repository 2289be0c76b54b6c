import { evidenceLines, inList, topicName } from './evidence-lines.ts'
import type { JobGauges } from './facts.ts'
import type { Judge } from './judgement.ts'
import { scannedTables } from './plan-scans.ts'

/**
 * One job reads the same partitions by two operators, or scans the same table twice. The pages are proof, also for two
 * tables on one topic; the plan tells of tables before a page is there, and of what is no Kafka.
 */
export const topicReadTwice: Judge = ({ job, gauges, hasAllPages }) => {
  const evidence = [
    ...(gauges === undefined ? [] : sharedPartitions(gauges)),
    ...repeatedScans(job.plan.map(({ description }) => description)),
  ]
  if (evidence.length === 0) return hasAllPages && job.plan.length > 0 ? 'fine' : 'unknown'
  return {
    kind: 'topic_read_twice',
    message:
      'The job reads the same data more than once: every record is fetched and decoded again for each of the readers',
    evidence: evidenceLines(evidence),
  }
}

function sharedPartitions({ partitions }: JobGauges): readonly string[] {
  const topics = new Map<string, { readonly name: string; readonly readers: Map<number, Map<string, string>> }>()
  for (const { topic, kafkaCluster, partition, operator } of partitions) {
    const name = topicName(topic, kafkaCluster)
    const found = topics.get(name) ?? { name, readers: new Map<number, Map<string, string>>() }
    topics.set(name, found)
    const readers = found.readers.get(partition) ?? new Map<string, string>()
    found.readers.set(partition, readers.set(operator.operatorId, operator.operatorName))
  }
  return [...topics.values()].flatMap(({ name, readers }) => {
    const shared = [...readers].filter(([, operators]) => operators.size > 1).sort(([a], [b]) => a - b)
    if (shared.length === 0) return []
    const operators = new Map(shared.flatMap(([, ofPartition]) => [...ofPartition]))
    const who = [...operators].map(([id, operator]) => `${operator} (${id})`).sort()
    const which = inList(shared.map(([partition]) => `${partition}`))
    return [`${shared.length === 1 ? 'partition' : 'partitions'} ${which} of ${name}: read by ${inList(who)}`]
  })
}

function repeatedScans(descriptions: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const table of descriptions.flatMap(scannedTables)) counts.set(table, (counts.get(table) ?? 0) + 1)
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([table, count]) => `the plan scans table ${table} ${count} times`)
}
