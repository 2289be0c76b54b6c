import { evidenceLines } from './evidence-lines.ts'
import { isRunning, type Judge, readsKafka } from './judgement.ts'

/** Its processes have pages, it reads Kafka, and yet there is no gauge of a partition: they are switched off. */
export const metricsDisabled: Judge = (facts) => {
  const { job, gauges, hasAllPages } = facts
  if (!isRunning(job)) return 'fine'
  if (gauges !== undefined && gauges.partitions.length > 0) return 'fine'
  if (!hasAllPages) return 'unknown'
  if (!readsKafka(facts)) return 'fine'
  return {
    kind: 'metrics_disabled',
    message:
      'The job reads Kafka but shows no position: `flink.disable-metrics` of its consumer, or a filter of the reporter, switches the gauges off',
    evidence: evidenceLines([
      `no page of a TaskManager has a gauge of a partition of job ${job.id}`,
      ...facts.groups.map((group) => `it has group ${group}`),
      ...job.vertices.filter(({ name }) => /kafka/i.test(name)).map(({ name }) => `vertex ${name}`),
    ]),
  }
}
