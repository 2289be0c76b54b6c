import type { FlinkJob, JobVertex } from './flink-job.ts'
import { longMax } from './http-answer.ts'

const taskStates = [
  'RUNNING',
  'FINISHED',
  'DEPLOYING',
  'INITIALIZING',
  'SCHEDULED',
  'CREATED',
  'CANCELING',
  'RECONCILING',
  'CANCELED',
  'FAILED',
] as const

type TaskState = (typeof taskStates)[number]

/** `/jobs/:id` */
export function jobDetails(job: FlinkJob, version: string, now: number) {
  const { id, plan, state, startedAt, endedAt } = job
  return {
    jid: id,
    name: plan.name,
    isStoppable: false,
    state,
    'job-type': 'STREAMING',
    'start-time': startedAt,
    'end-time': endedAt ?? -1,
    duration: (endedAt ?? now) - startedAt,
    maxParallelism: -1,
    now,
    timestamps: { CREATED: startedAt + 7, INITIALIZING: startedAt, RUNNING: startedAt + 18 },
    vertices: job.vertices.map((vertex) => vertexDetails(job, vertex, now)),
    'status-counts': counted(job.vertices.map(() => taskState(job))),
    plan: { jid: id, name: plan.name, type: 'STREAMING', nodes: job.vertices.map((vertex) => planNode(job, vertex)) },
    ...(version.startsWith('2.') ? { 'pending-operators': 0 } : {}),
  }
}

function vertexDetails(job: FlinkJob, { id, plan, subtasks, backPressuredMs }: JobVertex, now: number) {
  return {
    id,
    slotSharingGroupId: 'bc74c47f039ce64daab4a8957998cb4e',
    name: plan.name,
    maxParallelism: 128,
    parallelism: plan.parallelism,
    status: taskState(job),
    'start-time': job.modifiedAt,
    'end-time': -1,
    duration: Math.max(0, now - job.modifiedAt),
    tasks: counted(subtasks.map(() => taskState(job))),
    metrics: {
      'read-bytes': 0,
      'read-bytes-complete': true,
      'write-bytes': 0,
      'write-bytes-complete': true,
      'read-records': 0,
      'read-records-complete': true,
      'write-records': 0,
      'write-records-complete': true,
      'accumulated-backpressured-time': Math.round(backPressuredMs),
      'accumulated-idle-time': 0,
      'accumulated-busy-time': 0,
    },
  }
}

function planNode(job: FlinkJob, { id, plan }: JobVertex) {
  return {
    id,
    parallelism: plan.parallelism,
    operator: '',
    operator_strategy: '',
    description: escaped(plan.description),
    ...(plan.inputs.length === 0
      ? {}
      : {
          inputs: plan.inputs.map((input, num) => ({
            num,
            id: job.vertices[input]?.id,
            ship_strategy: 'HASH',
            exchange: 'pipelined_bounded',
          })),
        }),
    optimizer_properties: {},
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\n', '<br/>')
}

/** All tasks of a job live and die together here. */
function taskState({ state }: FlinkJob): TaskState {
  return state === 'RESTARTING' ? 'CANCELED' : state
}

export function taskCounts(job: FlinkJob): Readonly<Record<string, number>> {
  return counted(job.vertices.flatMap(({ subtasks }) => subtasks.map(() => taskState(job))))
}

/** How many are in each state, by name, those with none included. */
function counted(states: readonly TaskState[]): Readonly<Record<string, number>> {
  return Object.fromEntries(taskStates.map((name) => [name, states.filter((state) => state === name).length]))
}

/** `/jobs/:id/checkpoints` */
export function checkpoints({ checkpoints: all, vertices }: FlinkJob) {
  const { completed, failed, restored, inProgress, lastCompleted, lastFailed, lastRestored } = all
  const tasks = vertices.reduce((sum, { subtasks }) => sum + subtasks.length, 0)
  const common = {
    is_savepoint: false,
    savepointFormat: null,
    alignment_buffered: 0,
    processed_data: 0,
    persisted_data: 0,
    num_subtasks: tasks,
    checkpoint_type: 'CHECKPOINT',
    tasks: {},
  }
  const external = '<checkpoint-not-externally-addressable>'
  const done = lastCompleted && {
    className: 'completed',
    id: lastCompleted.id,
    status: 'COMPLETED',
    ...common,
    trigger_timestamp: lastCompleted.at - 21,
    latest_ack_timestamp: lastCompleted.at,
    checkpointed_size: 6_390,
    state_size: 6_390,
    end_to_end_duration: 21,
    num_acknowledged_subtasks: tasks,
    external_path: external,
    discarded: false,
  }
  const unfinished = {
    ...common,
    latest_ack_timestamp: -1,
    checkpointed_size: 0,
    state_size: 0,
    num_acknowledged_subtasks: 0,
  }
  const bad = lastFailed && {
    className: 'failed',
    id: lastFailed.id,
    status: 'FAILED',
    ...unfinished,
    trigger_timestamp: lastFailed.at - 13,
    end_to_end_duration: 13,
    failure_timestamp: lastFailed.at,
    failure_message: lastFailed.message,
  }
  const going = inProgress && {
    className: 'in_progress',
    id: inProgress.id,
    status: 'IN_PROGRESS',
    ...unfinished,
    trigger_timestamp: inProgress.triggeredAt,
    end_to_end_duration: -1,
  }
  return {
    counts: {
      restored,
      total: completed + failed + (going === undefined ? 0 : 1),
      in_progress: going === undefined ? 0 : 1,
      completed,
      failed,
    },
    latest: {
      completed: done ?? null,
      savepoint: null,
      failed: bad ?? null,
      restored: lastRestored
        ? { id: lastRestored.id, restore_timestamp: lastRestored.at, is_savepoint: false, external_path: external }
        : null,
    },
    history: [going, done, bad].filter((one) => one !== undefined).sort((one, other) => other.id - one.id),
  }
}

/** `/jobs/:id/checkpoints/config` */
export function checkpointConfig({ plan }: FlinkJob) {
  const { checkpointSeconds } = plan
  return {
    mode: 'exactly_once',
    interval: checkpointSeconds === undefined ? longMax : checkpointSeconds * 1_000,
    timeout: 600_000,
    min_pause: 0,
    max_concurrent: 1,
    externalization: { enabled: false, delete_on_cancellation: true },
    state_backend: 'HashMapStateBackend',
    checkpoint_storage: 'JobManagerCheckpointStorage',
    unaligned_checkpoints: false,
    tolerable_failed_checkpoints: 0,
    aligned_checkpoint_timeout: 0,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
    changelog_periodic_materialization_interval: 600_000,
    changelog_storage: 'memory',
  }
}

/** `/jobs/:id/exceptions`: the history, and before 2.0 the newest once more in front of it. */
export function exceptions({ exceptions: all }: FlinkJob, version: string, most: number) {
  const entries = all.slice(0, Math.max(0, most)).map(({ at, name, message, taskName, taskManager }) => ({
    exceptionName: name,
    stacktrace: stackTrace(name, message),
    timestamp: at,
    failureLabels: {},
    taskName,
    ...(version.startsWith('2.') ? {} : { location: '127.0.0.1:36000' }),
    endpoint: '127.0.0.1:36000',
    taskManagerId: taskManager?.id ?? null,
    concurrentExceptions: [],
  }))
  const exceptionHistory = { entries, truncated: all.length > entries.length }
  if (version.startsWith('2.')) return { exceptionHistory }
  const [root] = all
  return {
    'root-exception': root === undefined ? null : stackTrace(root.name, root.message),
    timestamp: root?.at ?? null,
    'all-exceptions': [],
    truncated: false,
    exceptionHistory,
  }
}

function stackTrace(name: string, message: string): string {
  return `${name}: ${message}\n\tat org.apache.flink.streaming.runtime.tasks.StreamTask.invoke(StreamTask.java:915)\n\tat org.apache.flink.runtime.taskmanager.Task.run(Task.java:568)\n`
}
