import { InvariantError } from '../runtime/errors.ts'
import { type ClusterOptions, createFlinkCluster, type FlinkCluster, type NewProcess } from './flink-cluster.ts'
import type { FlinkJob, JobHistory, JobWorld } from './flink-job.ts'
import type { JobPlan } from './flink-plan.ts'
import type { FlinkProcess } from './flink-process.ts'
import type { KafkaState } from './kafka-state.ts'
import { randomHex } from './random.ts'
import {
  type ApplicationPlan,
  createYarnApplications,
  type YarnApplication,
  type YarnApplications,
  type YarnAttempt,
} from './yarn-applications.ts'

/** An application of Flink: one job in application mode, or a session into which jobs are submitted. */
export interface FlinkApplicationPlan extends ClusterOptions, Partial<Omit<ApplicationPlan, 'type'>> {
  readonly name: string
  /** Those that every attempt begins with. */
  readonly jobs: readonly (JobPlan & { readonly history?: JobHistory })[]
}

/** A Flink application and the cluster that its present attempt is; no cluster when it has ended. */
interface FlinkApplication {
  readonly application: YarnApplication
  readonly cluster: FlinkCluster | undefined
}

/** Flink on YARN over a simulated Kafka: who runs where, who reads what, and how far. It moves by ticks of a second. */
export interface FlinkWorld {
  readonly yarn: YarnApplications
  readonly kafka: KafkaState
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** In the order of their submission, ended ones too. */
  readonly applications: readonly FlinkApplication[]
  /** ACCEPTED until its JobManager has a port for its REST and a second has passed. */
  submit(plan: FlinkApplicationPlan): FlinkApplication
  /** The application with the job of that name, and the job. @throws InvariantError when there is none */
  find(jobName: string): {
    readonly application: FlinkApplication
    readonly cluster: FlinkCluster
    readonly job: FlinkJob
  }
  /** Every process that lives, whoever knows. */
  processes(): readonly LivingProcess[]
  /** SIGKILL: another process takes its place and its port at once. */
  killTaskManager(id: string): void
  /**
   * SIGKILL of the ApplicationMaster, which is the JobManager: its own ports close at once, TaskManagers go on until YARN
   * has noticed. The next attempt has other ports, containers and job ids, and starts from the offsets of its group.
   */
  killApplicationMaster(application: FlinkApplication): void
  end(application: FlinkApplication, state: 'FINISHED' | 'FAILED' | 'KILLED', diagnostics?: string): void
  /** Lets a second pass. */
  tick(): void
}

export interface LivingProcess {
  readonly process: FlinkProcess
  readonly cluster: FlinkCluster
}

export interface FlinkWorldOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly random: () => number
  /** So many hosts 127.0.1.1 and so on take the processes in turn; without them all are on 127.0.0.1. */
  readonly hosts?: number
}

interface Running {
  readonly cluster: FlinkCluster
  /** Its JobManager is dead. */
  isHeadless: boolean
}

export function createFlinkWorld(kafka: KafkaState, { now, random, hosts = 0 }: FlinkWorldOptions): FlinkWorld {
  const yarn = createYarnApplications(now)
  const world: JobWorld = { state: kafka, now, hex: (digits) => randomHex(digits, random) }
  const applications: FlinkApplication[] = []
  const running = new Map<YarnApplication, Running>()
  let started = 0

  function nextHost(): string {
    if (hosts === 0) return '127.0.0.1'
    const host = started++ % hosts
    return `127.0.${1 + Math.floor(host / 250)}.${1 + (host % 250)}`
  }

  function start(plan: FlinkApplicationPlan, application: YarnApplication, attempt: YarnAttempt): void {
    const isFirst = attempt.number === 1
    const newProcess: NewProcess = (kind, hasReporter, host = nextHost()) => {
      // The ApplicationMaster's own is there already.
      const { id } = kind === 'jobmanager' ? attempt.containers[0]! : yarn.addContainer(application)
      return { kind, id, host, startedAt: now(), hasReporter }
    }
    const cluster = createFlinkCluster(plan, newProcess, world)
    for (const { history, ...job } of plan.jobs) cluster.submit(job, isFirst ? history : {})
    attempt.master = () => {
      const { restPort } = cluster.jobManager
      return restPort === undefined ? undefined : `${cluster.jobManager.host}:${restPort}`
    }
    running.set(application, { cluster, isHeadless: false })
  }

  function living({ cluster, isHeadless }: Running): readonly LivingProcess[] {
    const taskManagers = cluster.taskManagers.flatMap(({ process, state }) => (state === 'lost' ? [] : [process]))
    return [...(isHeadless ? [] : [cluster.jobManager]), ...taskManagers].map((process) => ({ process, cluster }))
  }

  return {
    yarn,
    kafka,
    now,
    applications,
    submit(plan) {
      const { name, user = 'etl', queue = 'root.default', tags = [], attempts = 2, ageSeconds = 0 } = plan
      const order = { name, user, queue, tags, attempts, ageSeconds, type: 'Apache Flink' }
      const application = yarn.submit(order, (one, attempt) => start(plan, one, attempt))
      const submitted: FlinkApplication = {
        application,
        get cluster() {
          return running.get(application)?.cluster
        },
      }
      applications.push(submitted)
      return submitted
    },
    find(jobName) {
      for (const application of applications) {
        const { cluster } = application
        const job = cluster?.jobs.find(({ plan }) => plan.name === jobName)
        if (cluster !== undefined && job !== undefined) return { application, cluster, job }
      }
      throw new InvariantError(`Find job "${jobName}": not there, expected one that runs`)
    },
    processes: () => [...running.values()].flatMap(living),
    killTaskManager(id) {
      for (const { cluster } of running.values()) cluster.killTaskManager(id)
      for (const { containers } of yarn.all.flatMap(({ attempts }) => attempts))
        for (const container of containers) if (container.id === id) container.isRunning = false
    },
    killApplicationMaster({ application }) {
      const entry = running.get(application)
      if (entry === undefined || entry.isHeadless) return
      entry.isHeadless = true
      application.attempts.at(-1)!.containers[0]!.isRunning = false
      yarn.killMaster(application)
    },
    end({ application }, state, diagnostics) {
      yarn.end(application, state, diagnostics)
      running.delete(application)
    },
    tick() {
      yarn.tick()
      for (const [application, { cluster, isHeadless }] of running) {
        if (application.finishedAt !== undefined) running.delete(application)
        // Without a JobManager nothing is noticed, and no checkpoint is triggered.
        else if (!isHeadless) cluster.tick()
      }
    },
  }
}
