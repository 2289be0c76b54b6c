/** When the position of a partition was known last, and from which page. */
export interface KnownBefore {
  /** Monotonic milliseconds. */
  readonly at: number
  /** Id of the reporter. */
  readonly reporter: string
}

/** What is remembered of a job's consumer from one cycle to the next. */
export interface JobMemory {
  /** The run that `operators` are of. */
  jobId: string
  /** When that run was first seen on a page; absent before. */
  seenSince: number | undefined
  /** By operator, the topics that it reads, and when it was last seen to. */
  readonly operators: Map<string, { readonly vertex: string; readonly topics: Map<string, number> }>
  /** By topic and partition, over all runs of the job. */
  readonly known: Map<string, (KnownBefore | undefined)[]>
}

export function createJobMemory(jobId: string): JobMemory {
  return { jobId, seenSince: undefined, operators: new Map(), known: new Map() }
}

/** Another run reads what it reads, but where the former one was is what there is until it says so. */
export function beginRun(memory: JobMemory, jobId: string): void {
  if (memory.jobId === jobId) return
  memory.jobId = jobId
  memory.seenSince = undefined
  memory.operators.clear()
}

export function knownBefore(memory: JobMemory, topic: string, partition: number): KnownBefore | undefined {
  return memory.known.get(topic)?.[partition]
}

export function noteKnown(memory: JobMemory, topic: string, partition: number, known: KnownBefore): void {
  const rows = memory.known.get(topic) ?? []
  memory.known.set(topic, rows)
  rows[partition] = known
}

export function noteOperator(
  memory: JobMemory,
  operator: { readonly id: string; readonly vertex: string },
  topic: string,
  now: number,
): void {
  const known = memory.operators.get(operator.id) ?? { vertex: operator.vertex, topics: new Map<string, number>() }
  memory.operators.set(operator.id, known)
  known.topics.set(topic, now)
}
