import { evidenceLines, moment } from './evidence-lines.ts'
import { isRunning, type Judge } from './judgement.ts'

/** However short the interval, this long without a checkpoint is nothing to wake somebody for. */
const AT_LEAST_MS = 600_000
const INTERVALS = 3

/** It runs, checkpoints are on, and none was completed for three intervals. */
export const checkpointOverdue: Judge = ({ job, now }) => {
  const { checkpoints } = job
  if (checkpoints === undefined) return 'unknown'
  if (!isRunning(job) || checkpoints.intervalMs === undefined) return 'fine'
  const { intervalMs, lastCompletedAt, lastRestoredAt, lastFailure } = checkpoints
  const last = Math.max(job.startedAt, lastCompletedAt ?? 0, lastRestoredAt ?? 0)
  const limit = Math.max(INTERVALS * intervalMs, AT_LEAST_MS)
  if (now - last <= limit) return 'fine'
  return {
    kind: 'checkpoint_overdue',
    message:
      'No checkpoint was completed for too long: after a failure the job starts again from the last one, and nothing is committed to Kafka meanwhile',
    evidence: evidenceLines([
      lastCompletedAt === undefined
        ? `no checkpoint completed since the job started at ${moment(job.startedAt)}`
        : `last completed at ${moment(lastCompletedAt)}`,
      `interval ${seconds(intervalMs)}, so one is overdue after ${seconds(limit)}; it has been ${seconds(now - last)}`,
      `${checkpoints.completed} completed, ${checkpoints.failed} failed, ${checkpoints.inProgress} in progress`,
      ...(lastFailure === undefined ? [] : [`last failure at ${moment(lastFailure.at)}: ${lastFailure.text}`]),
    ]),
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
