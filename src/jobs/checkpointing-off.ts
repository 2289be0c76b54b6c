import { isRunning, type Judge, readsKafka } from './judgement.ts'

/** It reads Kafka without checkpoints. Not said of others: a batch job has none and needs none. */
export const checkpointingOff: Judge = (facts) => {
  const { job } = facts
  if (job.checkpoints === undefined) return 'unknown'
  if (!isRunning(job) || job.checkpoints.intervalMs !== undefined) return 'fine'
  if (!readsKafka(facts)) return facts.hasAllPages ? 'fine' : 'unknown'
  return {
    kind: 'checkpointing_off',
    message:
      'The job reads Kafka without checkpoints: it loses its state and its place at every restart, and commits nothing (only consumers of before KafkaSource may commit by themselves)',
    evidence: ['its checkpoint configuration has no interval'],
  }
}
