import type { Clock } from '../runtime/clock.ts'
import type { JobQuestions } from './job-questions.ts'
import { lastExceptionOf } from './rest-job.ts'
import { type JobOverview, jobExceptions, metricValue, readList } from './rest-shapes.ts'

export interface KnownRestarts {
  readonly restarts?: number
  /** As the list of jobs had it: every task that starts or ends moves it, so that no restart leaves it alone. */
  readonly modification?: number
  /** Monotonic milliseconds from which on `restarts` has what `modification` stands for. */
  readonly settledAt: number
}

export interface KnownExceptions {
  readonly lastException?: { readonly at: number; readonly text: string }
  /** State and restarts that it belongs to. */
  readonly exceptionsOf?: string
}

/** Metrics over REST are ten seconds behind at most, once somebody asks for them; twice that, and a look. */
const settlingMs = 30_000

/** Asks while the number may still move, and else not. */
export async function readRestarts(
  overview: JobOverview,
  known: KnownRestarts,
  clock: Clock,
  questions: JobQuestions,
): Promise<KnownRestarts> {
  const modification = overview['last-modification']
  const hasMoved = modification === undefined || modification !== known.modification
  const settledAt = hasMoved ? clock.monotonic() + settlingMs : known.settledAt
  const next = { settledAt, ...(modification === undefined ? {} : { modification }) }
  if (known.restarts !== undefined && clock.monotonic() > settledAt) return { ...next, restarts: known.restarts }
  const answer = await questions.ask('Restarts', '/metrics?get=numRestarts,fullRestarts')
  if (answer === undefined) return next
  const metrics = await readList(answer.value, 'Job metric', metricValue)
  if (metrics === undefined) questions.problem('Restarts: there is no list of metrics')
  const restarts = restartsIn(metrics?.elements ?? [])
  return { ...next, ...(restarts === undefined ? {} : { restarts }) }
}

/** Asks when state or restarts have changed; a job that is first seen running and was never restarted has none. */
export async function readExceptions(
  overview: JobOverview,
  restarts: number | undefined,
  known: KnownExceptions,
  questions: JobQuestions,
): Promise<KnownExceptions> {
  const now = `${overview.state} ${restarts ?? '?'}`
  const kept = known.lastException === undefined ? {} : { lastException: known.lastException }
  const isQuiet = known.exceptionsOf === undefined && restarts === 0 && overview.state === 'RUNNING'
  if (isQuiet || known.exceptionsOf === now) return { ...kept, exceptionsOf: now }
  const answer = await questions.ask('Exceptions', '/exceptions?maxExceptions=1')
  const exceptions = questions.parse('Exceptions', jobExceptions, answer)
  if (exceptions === undefined) return kept
  const lastException = lastExceptionOf(exceptions)
  return { ...kept, ...(lastException === undefined ? {} : { lastException }), exceptionsOf: now }
}

/** `numRestarts` counts every restart; before 1.10 there is only `fullRestarts`, which counts those of the whole job. */
function restartsIn(metrics: readonly { readonly id: string; readonly value: string }[]): number | undefined {
  for (const name of ['numRestarts', 'fullRestarts']) {
    const text = metrics.find(({ id }) => id === name)?.value.trim() ?? ''
    if (/^\d{1,15}$/.test(text)) return Number(text)
  }
  return undefined
}
