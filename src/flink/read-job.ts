import type { Job, JobApplication, JobVertex, PlanNode } from '../model/job.ts'
import type { Clock } from '../runtime/clock.ts'
import { createJobQuestions, type JobQuestions } from './job-questions.ts'
import { type Checkpointing, readCheckpointing, readCheckpoints } from './read-checkpoints.ts'
import { type KnownVertex, readPressure } from './read-pressure.ts'
import { type KnownExceptions, type KnownRestarts, readExceptions, readRestarts } from './read-restarts.ts'
import type { RestHttp } from './rest-http.ts'
import { planNodeOf, vertexOf } from './rest-job.ts'
import { type JobOverview, member, planEntry, readList, vertexEntry } from './rest-shapes.ts'

/** What is remembered of one life of a job, so that it need not be asked again. */
export interface KnownJob extends KnownRestarts, KnownExceptions {
  readonly plan?: readonly PlanNode[]
  readonly checkpointing?: Checkpointing
  readonly pressures: ReadonlyMap<string, KnownVertex>
  /** As it was read last. */
  readonly job?: Job
}

export const unknownJob: KnownJob = { settledAt: Number.POSITIVE_INFINITY, pressures: new Map() }

export interface JobContext {
  readonly flinkCluster: string
  readonly application?: JobApplication
  readonly version?: string
}

interface JobReader {
  readonly http: RestHttp
  readonly clock: Clock
}

export interface ReadJob {
  readonly job: Job
  readonly known: KnownJob
}

/** States in which nothing runs any more; SUSPENDED: another JobManager has it, or nobody. */
const overStates: readonly string[] = ['FINISHED', 'CANCELED', 'FAILED', 'SUSPENDED']

export function isOver({ state }: JobOverview): boolean {
  return overStates.includes(state)
}

/**
 * Asks for everything about one job that may have changed. Rejects on abort only: what cannot be read becomes a sentence
 * in `unread`.
 */
export async function readJob(
  overview: JobOverview,
  context: JobContext,
  known: KnownJob,
  { http, clock }: JobReader,
  signal: AbortSignal,
): Promise<ReadJob> {
  const questions = createJobQuestions(http, overview.jid, signal)
  const finished = (next: KnownJob, more: Partial<Job>): ReadJob => {
    const job = { ...jobOf(overview, context, next, http.url, clock.monotonic()), ...more, unread: questions.unread }
    return { job, known: { ...next, job } }
  }
  if (isOver(overview)) {
    if (overview.state !== 'FAILED') return finished(known, {})
    return finished({ ...known, ...(await readExceptions(overview, undefined, known, questions)) }, {})
  }
  const graph = await readGraph(known, context.version, questions)
  const checkpointing = known.checkpointing ?? (await readCheckpointing(questions))
  const checkpoints = await readCheckpoints(checkpointing, questions)
  const restarts = await readRestarts(overview, known, clock, questions)
  const exceptions = await readExceptions(overview, restarts.restarts, known, questions)
  const next: KnownJob = {
    ...restarts,
    ...exceptions,
    pressures: graph.pressures,
    ...(graph.plan === undefined ? {} : { plan: graph.plan }),
    ...(checkpointing === undefined ? {} : { checkpointing }),
  }
  return finished(next, {
    vertices: graph.vertices,
    ...(checkpoints === undefined ? {} : { checkpoints }),
    ...(restarts.restarts === undefined ? {} : { restarts: restarts.restarts }),
  })
}

/**
 * What was read of a job last, when it was read whole, not long ago, and nothing has moved since: no task has started or
 * ended, and no number is still on its way.
 */
export function jobAtRest(
  overview: JobOverview,
  context: JobContext,
  { job, modification, settledAt }: KnownJob,
  refreshMs: number,
  clock: Clock,
): Job | undefined {
  if (job === undefined || job.unread.length > 0 || clock.monotonic() - job.takenAt >= refreshMs) return undefined
  if (overview['last-modification'] === undefined || overview['last-modification'] !== modification) return undefined
  const isSame = job.state === overview.state && job.name === overview.name && job.version === context.version
  if (!isSame || job.flinkCluster !== context.flinkCluster || clock.monotonic() <= settledAt) return undefined
  const { application } = context
  return application === undefined || application === job.application ? job : { ...job, application }
}

/** How long what was read stands for a job that could not be asked about. */
const heldMs = 90_000

/** A job that there was no time for: as it was read last, if that was not long ago and its state is the same. */
export function lateJob(
  overview: JobOverview,
  context: JobContext,
  known: KnownJob,
  { http, clock }: JobReader,
  lookMs: number,
): Job {
  const now = clock.monotonic()
  const unread = [`Not asked about: the look had taken ${lookMs / 1_000} s already`]
  const { job } = known
  const isHeld = job !== undefined && job.state === overview.state && now - job.takenAt <= heldMs
  return { ...(isHeld ? job : jobOf(overview, context, known, http.url, now)), unread }
}

/** A job as the list of jobs has it, with what is remembered. */
function jobOf(overview: JobOverview, context: JobContext, known: KnownJob, rest: string, takenAt: number): Job {
  return {
    flinkCluster: context.flinkCluster,
    name: overview.name,
    id: overview.jid,
    state: overview.state,
    startedAt: overview['start-time'],
    rest,
    vertices: [],
    plan: known.plan ?? [],
    takenAt,
    unread: [],
    ...(overview['end-time'] === undefined ? {} : { endedAt: overview['end-time'] }),
    ...(context.version === undefined ? {} : { version: context.version }),
    ...(context.application === undefined ? {} : { application: context.application }),
    ...(known.lastException === undefined ? {} : { lastException: known.lastException }),
  }
}

interface Graph {
  readonly plan?: readonly PlanNode[] | undefined
  readonly vertices: readonly JobVertex[]
  readonly pressures: ReadonlyMap<string, KnownVertex>
}

/** One request, which has the plan as well; and one for each vertex of which it is not known that nothing is held up. */
async function readGraph(known: KnownJob, version: string | undefined, questions: JobQuestions): Promise<Graph> {
  const answer = await questions.ask('Vertices', '')
  if (answer === undefined) return { plan: known.plan, vertices: [], pressures: known.pressures }
  const nodes = await readList(member(member(answer.value, 'plan'), 'nodes'), 'Plan node', planEntry)
  const entries = await readList(member(answer.value, 'vertices'), 'Vertex', vertexEntry)
  if (nodes === undefined) questions.problem('Plan: there is no list "nodes"')
  if (entries === undefined) questions.problem('Vertices: there is no list "vertices"')
  for (const sentence of [...(nodes?.problems ?? []), ...(entries?.problems ?? [])]) questions.problem(sentence)
  const pressures = new Map<string, KnownVertex>()
  const vertices: JobVertex[] = []
  for (const entry of entries?.elements ?? []) {
    const pressure = await readPressure(entry, known.pressures.get(entry.id), version, questions)
    pressures.set(entry.id, pressure)
    vertices.push(vertexOf(entry, pressure.share))
  }
  // A plan that lacks a node would look like one in several parts.
  const plan = nodes?.problems.length === 0 ? nodes.elements.map(planNodeOf) : known.plan
  return { plan, vertices, pressures }
}
