import { z } from 'zod'
import { breather } from '../runtime/breathe.ts'

/** Identifiers of jobs and vertices: they become parts of paths. */
const hex = z.string().regex(/^[0-9a-f]{32}$/i, 'expected 32 hex digits')
/** Milliseconds of the JobManager's wall clock; what does not apply is -1, 0, null or missing. */
const moment = z.number().positive().optional().catch(undefined)

/** An element of `jobs` in `/jobs/overview`. */
export const jobOverview = z.object({
  jid: hex,
  name: z.string(),
  state: z.string(),
  'start-time': z.number(),
  'end-time': moment,
  'last-modification': moment,
})
export type JobOverview = z.output<typeof jobOverview>

/** An element of `taskmanagers` in `/taskmanagers`. */
export const taskManagerEntry = z.object({
  id: z.string().min(1).max(512),
  path: z.string(),
  timeSinceLastHeartbeat: moment,
  slotsNumber: z.number().int().nonnegative().optional().catch(undefined),
  freeSlots: z.number().int().nonnegative().optional().catch(undefined),
})

/** An element of `vertices` in `/jobs/:id`. */
export const vertexEntry = z.object({
  id: hex,
  name: z.string(),
  parallelism: z.number().int().positive(),
  status: z.string(),
  metrics: z
    .object({ 'accumulated-backpressured-time': z.number().nonnegative().optional().catch(undefined) })
    .optional()
    .catch(undefined),
})
export type VertexEntry = z.output<typeof vertexEntry>

/** An element of `plan.nodes` in `/jobs/:id`. */
export const planEntry = z.object({
  id: z.string(),
  description: z.string(),
  parallelism: z.number().int().positive(),
  inputs: z.object({ id: z.string() }).array().nullish(),
})

const count = z.number().int().nonnegative()

/** `/jobs/:id/checkpoints` */
export const checkpointStatistics = z.object({
  counts: z.object({ restored: count, in_progress: count, completed: count, failed: count }),
  latest: z.object({
    completed: z.object({ latest_ack_timestamp: moment }).nullish(),
    savepoint: z.object({ latest_ack_timestamp: moment }).nullish(),
    failed: z.object({ failure_timestamp: moment, failure_message: z.string().nullish() }).nullish(),
    restored: z.object({ restore_timestamp: moment }).nullish(),
  }),
})
export type CheckpointStatistics = z.output<typeof checkpointStatistics>

/** `/jobs/:id/checkpoints/config` */
export const checkpointSettings = z.object({ interval: z.number() })

/** `/jobs/:id/exceptions`: before 2.0 the root exception, from 1.13 on the history. */
export const jobExceptions = z.object({
  'root-exception': z.string().nullish(),
  timestamp: moment.nullable(),
  exceptionHistory: z
    .object({ entries: z.object({ stacktrace: z.string(), timestamp: z.number() }).array() })
    .nullish(),
})
export type JobExceptions = z.output<typeof jobExceptions>

/** An element of `/jobmanager/config`. */
export const settingEntry = z.object({ key: z.string(), value: z.string() })
/** `/config` and `/overview` */
export const versionEntry = z.object({ 'flink-version': z.string().min(1).max(100) })
/** An element of a list of metrics. */
export const metricName = z.object({ id: z.string() })
/** An element of `/jobs/:id/metrics?get=`. */
export const metricValue = z.object({ id: z.string(), value: z.string() })
/** An element of `/jobs/:id/vertices/:vid/subtasks/metrics?get=&agg=max`. */
export const metricMax = z.object({ id: z.string(), max: z.number() })
/** An element of `logs` in the lists of logs. */
export const logFile = z.object({ name: z.string().min(1), mtime: moment })

/** A list in which single elements may be wrong, without harm to the others. */
export interface ReadList<T> {
  readonly elements: readonly T[]
  /** Sentences about those that are left out. */
  readonly problems: readonly string[]
}

const mostProblems = 3

/** Reads a list element by element; undefined when it is no list. Lets sockets and timers run. */
export async function readList<T>(list: unknown, what: string, schema: z.ZodType<T>): Promise<ReadList<T> | undefined> {
  if (!Array.isArray(list)) return undefined
  const breathe = breather()
  const elements: T[] = []
  const problems: string[] = []
  let bad = 0
  for (const [index, element] of list.entries()) {
    await breathe()
    const read = schema.safeParse(element)
    if (read.success) elements.push(read.data)
    else if (++bad <= mostProblems) problems.push(`${what} ${index + 1} is left out: ${problemOf(read.error)}`)
  }
  if (bad > mostProblems) problems.push(`${bad - mostProblems} more of ${what} are left out`)
  return { elements, problems }
}

/** What a schema found first, as `name: what was expected`. */
export function problemOf(error: z.ZodError): string {
  const [first] = error.issues
  const path = first?.path.map(String).join('.') ?? ''
  return `${path === '' ? '' : `${path}: `}${first?.message ?? 'it is wrong'}`
}

/** A member of an object of which nothing is certain yet. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}
