import { deploy } from './flink-deploy.ts'
import { createJob, type FlinkJob, type JobHistory, type JobWorld, slotsOf } from './flink-job.ts'
import { endJob, restartJob, stepJob } from './flink-job-life.ts'
import type { JobPlan } from './flink-plan.ts'
import type { FlinkProcess } from './flink-process.ts'

/** How the reporter of a cluster is configured; `class` is passed over by Flink from 1.16 on. */
type ReporterOption = 'factory' | 'class' | 'none'

export interface ClusterOptions {
  /** Such as `1.20.5`. */
  readonly version: string
  /** Of each TaskManager; 4 by default. */
  readonly slots?: number
  /** `factory` by default. */
  readonly reporter?: ReporterOption
}

/** A TaskManager as its JobManager has it. */
interface TaskManager {
  readonly process: FlinkProcess
  readonly slots: number
  /** `lost`: it is dead, and its JobManager has not noticed yet; `starting`: it lives, and is not registered yet. */
  state: 'starting' | 'registered' | 'lost'
  /** Seconds until that changes. */
  changesIn: number
  /** When it was heard last. */
  heardAt: number
}

/** One JobManager with its TaskManagers and jobs. TaskManagers come as slots are needed, as on YARN. */
export interface FlinkCluster {
  readonly version: string
  readonly reporter: ReporterOption
  readonly jobManager: FlinkProcess
  readonly taskManagers: readonly TaskManager[]
  readonly jobs: readonly FlinkJob[]
  submit(plan: JobPlan, history?: JobHistory): FlinkJob
  /**
   * SIGKILL. Another process takes its place and its port at once; that it is gone is noticed some seconds later, and
   * then all jobs that ran there restart.
   */
  killTaskManager(id: string): void
  /** As when a task throws. */
  restart(job: FlinkJob): void
  end(job: FlinkJob, state: 'FINISHED' | 'CANCELED' | 'FAILED'): void
  freeSlots(taskManager: TaskManager): number
  /** Lets a second pass. */
  tick(): void
}

/** Starts one, on a host of its own choice unless told. */
export type NewProcess = (kind: FlinkProcess['kind'], hasReporter: boolean, host?: string) => FlinkProcess

/** Until a dead TaskManager is noticed, until a new one is registered, and until a job starts again. */
const noticedAfter = 4
const registeredAfter = 2
const restoredAfter = 2

export function createFlinkCluster(
  { version, slots = 4, reporter = 'factory' }: ClusterOptions,
  newProcess: NewProcess,
  world: JobWorld,
): FlinkCluster {
  const hasReporter = reporter === 'factory'
  const jobManager = newProcess('jobmanager', hasReporter)
  const taskManagers: TaskManager[] = []
  const jobs: FlinkJob[] = []

  function addTaskManager(state: TaskManager['state'], host?: string): TaskManager {
    const process = newProcess('taskmanager', hasReporter, host)
    const taskManager = { process, slots, state, changesIn: registeredAfter, heardAt: world.now() }
    taskManagers.push(taskManager)
    return taskManager
  }

  /** Slot n of a job is taken by its subtasks n. */
  function takenSlots(process: FlinkProcess): number {
    return jobs.reduce((sum, job) => {
      const taken = new Set<number>()
      for (const { subtasks } of job.vertices)
        for (const { index, taskManager } of subtasks) if (taskManager === process) taken.add(index)
      return sum + taken.size
    }, 0)
  }

  function freeSlots({ process, state }: TaskManager): number {
    return state === 'registered' ? slots - takenSlots(process) : 0
  }

  function allFree(): FlinkProcess[] {
    return taskManagers.flatMap((one) => Array.from({ length: freeSlots(one) }, () => one.process))
  }

  function slotsFor(job: FlinkJob): readonly FlinkProcess[] | undefined {
    const free = allFree()
    return free.length < slotsOf(job) ? undefined : free.slice(0, slotsOf(job))
  }

  function restart(job: FlinkJob, taskManager?: FlinkProcess): void {
    const cause =
      taskManager === undefined
        ? { name: 'java.lang.RuntimeException', message: 'Bad record: unexpected end of input' }
        : {
            name: 'org.apache.flink.runtime.jobmaster.JobMasterException',
            message: `TaskManager with id ${taskManager.id} is no longer reachable.`,
            taskManager,
          }
    restartJob(job, cause, restoredAfter, world)
  }

  function lose({ process }: TaskManager): void {
    const affected = jobs.filter(({ vertices }) =>
      vertices.some(({ subtasks }) => subtasks.some(({ taskManager }) => taskManager === process)),
    )
    for (const job of affected) restart(job, process)
  }

  return {
    version,
    reporter,
    jobManager,
    taskManagers,
    jobs,
    freeSlots,
    submit(plan, history = {}) {
      const job = createJob(plan, history, world)
      jobs.push(job)
      while (allFree().length < slotsOf(job)) addTaskManager('registered')
      deploy(job, slotsFor(job)!, world)
      return job
    },
    killTaskManager(id) {
      const found = taskManagers.find(({ process, state }) => process.id === id && state !== 'lost')
      if (found === undefined) return
      found.state = 'lost'
      found.changesIn = noticedAfter
      const { reporterPort, host } = found.process
      delete found.process.reporterPort
      const successor = addTaskManager('starting', host).process
      if (reporterPort !== undefined) successor.reporterPort = reporterPort
    },
    restart: (job) => restart(job),
    end: (job, state) => endJob(job, state, world),
    tick() {
      for (const one of [...taskManagers]) {
        if (one.state !== 'lost') one.heardAt = world.now()
        if (one.state === 'registered' || --one.changesIn > 0) continue
        if (one.state === 'starting') one.state = 'registered'
        else {
          taskManagers.splice(taskManagers.indexOf(one), 1)
          lose(one)
        }
      }
      for (const job of jobs) stepJob(job, () => slotsFor(job), world)
    },
  }
}
