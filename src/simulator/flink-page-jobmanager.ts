import type { FlinkCluster } from './flink-cluster.ts'
import type { FlinkJob } from './flink-job.ts'
import { filtered, host, type PageWriter, type Sample } from './flink-page-writer.ts'

const job = 'jobmanager_job'

/** Jobs that are over have no gauges any more. */
export function writeJobManager(page: PageWriter, cluster: FlinkCluster, now: number): void {
  const { taskManagers, version } = cluster
  const jobs = cluster.jobs.filter(({ endedAt }) => endedAt === undefined)
  const registered = taskManagers.filter(({ state }) => state !== 'starting')
  const slots = registered.reduce((sum, one) => sum + one.slots, 0)
  const free = registered.reduce((sum, one) => sum + cluster.freeSlots(one), 0)
  const each = (value: (one: FlinkJob) => number): readonly Sample[] =>
    jobs.map((one) => [{ job_id: one.id, host, job_name: filtered(one.plan.name) }, value(one)])
  const sinceModified = (one: FlinkJob, state: FlinkJob['state']) => (one.state === state ? now - one.modifiedAt : 0)

  page.flink('jobmanager', 'taskSlotsTotal', [[{ host }, slots]])
  page.flink('jobmanager', 'taskSlotsAvailable', [[{ host }, free]])
  page.flink('jobmanager', 'numRegisteredTaskManagers', [[{ host }, registered.length]])
  page.flink('jobmanager', 'numRunningJobs', [[{ host }, jobs.length]])
  page.flink(
    job,
    'uptime',
    each((one) => sinceModified(one, 'RUNNING')),
  )
  page.flink(
    job,
    'runningTime',
    each((one) => sinceModified(one, 'RUNNING')),
  )
  page.flink(
    job,
    'restartingTime',
    each((one) => sinceModified(one, 'RESTARTING')),
  )
  page.flink(job, 'numRestarts', each(restartsOf))
  if (!version.startsWith('2.')) page.flink(job, 'fullRestarts', each(restartsOf))
  page.flink(
    job,
    'numberOfCompletedCheckpoints',
    each(({ checkpoints }) => checkpoints.completed),
  )
  page.flink(
    job,
    'numberOfFailedCheckpoints',
    each(({ checkpoints }) => checkpoints.failed),
  )
  page.flink(
    job,
    'numberOfInProgressCheckpoints',
    each(({ checkpoints }) => (checkpoints.inProgress ? 1 : 0)),
  )
  page.flink(
    job,
    'totalNumberOfCheckpoints',
    each(({ checkpoints: { completed, failed, inProgress } }) => completed + failed + (inProgress ? 1 : 0)),
  )
  page.flink(
    job,
    'lastCompletedCheckpointId',
    each(({ checkpoints }) => checkpoints.lastCompleted?.id ?? -1),
  )
  page.flink(
    job,
    'lastCheckpointDuration',
    each(({ checkpoints }) => (checkpoints.lastCompleted ? 21 : -1)),
  )
  page.flink(
    job,
    'lastCheckpointSize',
    each(({ checkpoints }) => (checkpoints.lastCompleted ? 6_390 : -1)),
  )
  page.flink(
    job,
    'lastCheckpointRestoreTimestamp',
    each(({ checkpoints }) => checkpoints.lastRestored?.at ?? -1),
  )
}

function restartsOf({ restarts }: FlinkJob): number {
  return Math.max(0, restarts)
}
