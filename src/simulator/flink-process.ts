/** A JobManager or TaskManager: a JVM with a life of its own. */
export interface FlinkProcess {
  readonly kind: 'jobmanager' | 'taskmanager'
  /** On YARN its container; of a TaskManager the id that REST knows it by. */
  readonly id: string
  /** An IP address of loopback. */
  readonly host: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Whether its configuration gives it a Prometheus reporter. */
  readonly hasReporter: boolean
  /** As after SIGSTOP: whoever asks it anything waits. */
  isFrozen?: true
  /** Port of its reporter, once it has taken one. */
  reporterPort?: number
  /** Port of REST, of a JobManager. */
  restPort?: number
}
