import type { FlinkRest } from '../flink/flink-rest.ts'
import type { Job } from '../model/job.ts'
import type { Problem } from '../model/problem.ts'
import type { Identity, Incarnation, ReporterFacts } from '../model/registration.ts'

/** A reporter that was found: which process it is, and where it can be scraped now. */
export interface FoundReporter extends Identity {
  /** Which life of that identity. */
  readonly incarnation: Incarnation
  /** `host:port` with a literal IP address, IPv6 in brackets. */
  readonly address: string
  /** The name that the address was resolved from, when it was given as a name. */
  readonly host?: string
  /** The network in which the address means this process. */
  readonly zone: string
  /** What its page must say as `tm_id`, as the page shows it; absent where pages name no process (JobManagers). */
  readonly tmId?: string
  /** The id under which somebody else registered it already: it is not to be registered a second time. */
  readonly registeredAs?: string
  readonly facts: ReporterFacts
}

/** A process of a job whose reporter was not found. */
export interface SilentProcess {
  /** TaskManager id, or `jobmanager`. */
  readonly process: string
  readonly host: string
  /** What was tried, and what came of it, as a sentence. */
  readonly why: string
  /** Monotonic milliseconds at which its reporter was found gone, where it had one: it may well be dead. */
  readonly lostAt?: number
  /** It does not run any more, whatever its JobManager still says. */
  readonly hasEnded?: true
}

/** Everything that one scope has: an application, or a Flink cluster. */
export interface FoundScope {
  readonly scope: string
  readonly flinkCluster: string
  readonly reporters: readonly FoundReporter[]
  readonly silent: readonly SilentProcess[]
  readonly jobs: readonly Job[]
  /** Asks the JobManager that said all this; rejects once it is not asked any more. */
  readonly vertexMetrics?: FlinkRest['vertexMetrics']
  /** As it was read last, but for processes of which it is known by now that they have ended: says nothing of the others. */
  readonly isRemembered?: true
  /** It is over: its reporters are gone, its jobs are history. */
  readonly ended?: true
}

export interface DiscoveryReport {
  /** Replaces one scope whole. A scope that could not be read is not reported again: what was found stays. */
  update(found: FoundScope): void
  /**
   * One full look is over; `complete` when every scope that there is was reported since the look began, but for those
   * that are `waiting`: they are there, and have no JobManager that can be asked. `isUp` when whoever knows what there is
   * has answered, as far as that is not the same.
   */
  cycle(done: {
    readonly complete: boolean
    readonly waiting?: readonly string[]
    readonly isUp?: boolean
    readonly problems: readonly Problem[]
  }): void
}

/** Finds reporters and jobs. */
export interface Discoverer {
  readonly name: string
  /** Looks again and again until the signal aborts; settles when its sockets and timers are gone. */
  run(report: DiscoveryReport, signal: AbortSignal): Promise<void>
}
