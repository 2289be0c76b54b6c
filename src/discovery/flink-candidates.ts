import type { FlinkLook, FlinkRest } from '../flink/flink-rest.ts'
import type { JobApplication } from '../model/job.ts'
import type { Identity, Incarnation, ReporterFacts } from '../model/registration.ts'
import { idOf } from '../targets/identity.ts'
import { attemptOfContainer, cleanFacts, flinkIdentity } from './flink-identity.ts'
import { candidatePorts } from './flink-ports.ts'
import type { Sought } from './sought.ts'

/** Whom to ask this time, and what is known of him. */
export interface ScopeLook {
  readonly rest: FlinkRest
  readonly jobManagers: readonly JobManagerPlace[]
  readonly application?: JobApplication
  /** Whoever named the hosts is on our own machine. */
  readonly isLocal: boolean
}

/** A JobManager whose reporter is looked for. */
export interface JobManagerPlace {
  readonly instance: string
  readonly incarnation: Incarnation
  readonly host: string
  readonly mayBeStandby: boolean
  readonly containerId?: string
}

/** A process that must have a reporter somewhere. */
export interface Candidate {
  /** As Flink names it: TaskManager id, or `jobmanager`. */
  readonly process: string
  readonly identity: Identity
  readonly incarnation: Incarnation
  readonly tmId?: string
  readonly facts: ReporterFacts
  readonly sought: Sought
}

export interface CandidateOptions {
  readonly flinkCluster: string
  readonly scope: string
  /** Where reporters may be, in place of what the JobManager's configuration says. */
  readonly ports?: readonly number[]
  readonly lifeOf: (id: string) => Incarnation
  /** The job that all of the scope is for. */
  readonly flinkJob?: string
}

/** The processes of a scope after a look at it, each with all that is known of it. */
export function* candidatesOf(options: CandidateOptions, of: ScopeLook, look: FlinkLook): Generator<Candidate> {
  const { flinkCluster, scope, lifeOf } = options
  const { isLocal } = of
  const ports = candidatePorts(options.ports, look)
  const shared = cleanFacts(sharedFacts(options, of, look))
  const running = look.jobs.filter(({ endedAt }) => endedAt === undefined)

  for (const { instance, incarnation, host, mayBeStandby, containerId } of of.jobManagers) {
    const identity = flinkIdentity(flinkCluster, scope, 'jobmanager', instance)
    const wanted = { kind: 'jobmanager', jobs: running, taskManagers: look.taskManagers.length, mayBeStandby } as const
    yield {
      process: 'jobmanager',
      identity,
      incarnation,
      facts: { ...shared, kind: 'flink-jm', ...(containerId !== undefined && cleanFacts({ containerId })) },
      sought: { id: idOf(identity), life: incarnation, host, isLocal, ports, wanted },
    }
  }

  for (const { id: process, host } of look.taskManagers) {
    const identity = flinkIdentity(flinkCluster, scope, 'taskmanager', process)
    const id = idOf(identity)
    const incarnation = lifeOf(id)
    const isContainer = attemptOfContainer(process) !== undefined
    yield {
      process,
      identity,
      incarnation,
      tmId: process,
      facts: { ...shared, kind: 'flink-tm', ...(isContainer && { containerId: process }) },
      sought: { id, life: incarnation, host, isLocal, ports, wanted: { kind: 'taskmanager', tmId: process } },
    }
  }
}

function sharedFacts(
  { flinkCluster, flinkJob }: CandidateOptions,
  { application }: ScopeLook,
  { version }: FlinkLook,
): ReporterFacts {
  return {
    flinkCluster,
    ...(application !== undefined && {
      applicationId: application.id,
      queue: application.queue,
      user: application.user,
      ...(application.attempt !== undefined && { attempt: String(application.attempt) }),
    }),
    ...(flinkJob !== undefined && { flinkJob }),
    ...(version !== undefined && { version }),
  }
}
