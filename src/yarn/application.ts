/** An application as the ResourceManager lists it; what it leaves out is absent. */
export interface YarnApplication {
  /** `application_<cluster timestamp>_<number>`. */
  readonly id: string
  readonly name: string
  readonly user: string
  readonly queue: string
  /** YARN's own word: NEW, NEW_SAVING, SUBMITTED, ACCEPTED, RUNNING, FINISHED, FAILED, KILLED. */
  readonly state: string
  readonly finalStatus?: string
  readonly type: string
  readonly tags: readonly string[]
  /** `host:port` of Flink's REST; only ever set while the state is RUNNING: an ended application keeps a dead one. */
  readonly amRpcAddress?: string
  /** Through the proxy of the ResourceManager. */
  readonly trackingUrl?: string
  /** Milliseconds of the ResourceManager's wall clock. */
  readonly startedAt?: number
  readonly finishedAt?: number
  readonly diagnostics?: string
  /** YARN does not let us see more of it, its address neither: we have no right to view it. */
  readonly withheld?: true
}

export interface YarnAttempt {
  /** 1 for the first. */
  readonly number: number
  /** The container of the ApplicationMaster, which is the JobManager. */
  readonly containerId?: string
  readonly nodeHttpAddress?: string
  readonly startedAt?: number
}

/** A container as a NodeManager lists it: what runs on its node, whatever others believe. */
export interface YarnContainer {
  readonly id: string
  /** The NodeManager's own word, such as `RUNNING`. */
  readonly state: string
  readonly user: string
}

export interface YarnNode {
  readonly id: string
  readonly host: string
  /** `host:port` of its web server. */
  readonly httpAddress: string
  readonly state: string
}

/** Which applications are wanted; every list that is empty or absent admits all. */
export interface ApplicationFilter {
  readonly types?: readonly string[]
  readonly states?: readonly string[]
  readonly tags?: readonly string[]
  readonly queues?: readonly string[]
  readonly users?: readonly string[]
}
