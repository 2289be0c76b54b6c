import { createLane, type Lane } from '../discovery/lane.ts'
import type { PageReading } from '../flink/flink-page.ts'
import type { Job } from '../model/job.ts'
import { isOffsetGauge, type RestGauges } from '../positions/flink-rest-gauges.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { shownUrl } from '../runtime/shown-url.ts'
import { within } from '../runtime/within.ts'
import { scopeKey } from './found-registration.ts'
import type { JobBoard } from './job-board.ts'
import { isMute, mayTellOfDead, type UnseenSource, unseenSources } from './unseen-sources.ts'

export interface RestGaugeReaderDeps {
  readonly board: Pick<JobBoard, 'scopes'>
  readonly pages: () => ReadonlyMap<string, PageReading>
  /** Between two questions about one vertex. */
  readonly intervalMs: number
  /** A vertex has told its positions for the first time. */
  readonly onFirst: () => void
  readonly clock: Clock
  readonly logger: Logger
}

/** Asks JobManagers for the offset gauges of sources whose processes have no reporter; idle while there are none. */
export interface RestGaugeReader extends Service {
  /** The last answer about each vertex, but for those that may be of processes that are dead. */
  gauges(): readonly RestGauges[]
  /** The board has changed. */
  changed(): void
}

interface Question {
  readonly key: string
  readonly scopeKey: string
  source: UnseenSource
  dueAt: number
  failures: number
  /** Answers in a row without a single gauge: it reads no Kafka, or its metrics are off. */
  empty: number
  isRunning: boolean
  last?: RestGauges
}

/** A JobManager asks its TaskManagers every 10 s: until then it tells of the run before, and later it is as late. */
const settleMs = 12_000
const lateMs = 11_000
/** For the list of metrics and all batches of values. */
const askMs = 15_000
const mostAtOnce = 8
const mostOfScope = 2
const mostSuspectsAtOnce = 4
const longestMs = 300_000

export function createRestGaugeReader(deps: RestGaugeReaderDeps): RestGaugeReader {
  const { board, intervalMs, clock } = deps
  const logger = deps.logger.child({ component: 'rest gauges' })
  const questions = new Map<string, Question>()
  const lanes = new Map<string, Lane>()
  const healthy = createLane(mostAtOnce)
  const suspects = createLane(mostSuspectsAtOnce)
  const running = new Set<Promise<void>>()
  let told: readonly RestGauges[] | undefined
  let bug: InvariantError | undefined

  async function survey(signal: AbortSignal): Promise<void> {
    if (bug !== undefined) throw bug
    const wanted = new Set<string>()
    const scopes = new Set<string>()
    const pages = deps.pages()
    for (const scope of board.scopes()) {
      if (scope.vertexMetrics === undefined || !isMute(scope) || mayTellOfDead(scope, clock)) continue
      scopes.add(scopeKey(scope))
      for (const source of await unseenSources(scope, pages)) wanted.add(meet(source).key)
      signal.throwIfAborted()
    }
    for (const key of questions.keys()) if (!wanted.has(key)) questions.delete(key)
    for (const key of lanes.keys()) if (!scopes.has(key)) lanes.delete(key)
    told = undefined
    const now = clock.monotonic()
    for (const question of questions.values()) if (!question.isRunning && question.dueAt <= now) begin(question, signal)
  }

  function meet(source: UnseenSource): Question {
    const { scope, job, vertex } = source
    const key = `${scopeKey(scope)} ${job.id} ${vertex}`
    const before = questions.get(key)
    if (before !== undefined && isSameRun(before.source.job, job)) {
      before.source = source
      return before
    }
    const dueAt = clock.monotonic() + settleMs
    const question = { key, scopeKey: scopeKey(scope), source, dueAt, failures: 0, empty: 0, isRunning: false }
    questions.set(key, question)
    return question
  }

  function begin(question: Question, signal: AbortSignal): void {
    const own = lanes.get(question.scopeKey) ?? createLane(mostOfScope)
    lanes.set(question.scopeKey, own)
    // What hangs waits apart from what answers.
    const all = question.failures > 0 ? suspects : healthy
    question.isRunning = true
    const work = own(signal, () => all(signal, () => ask(question, signal)))
      .catch((error: unknown) => {
        if (error instanceof InvariantError) bug = error
      })
      .finally(() => {
        question.isRunning = false
        running.delete(work)
      })
    running.add(work)
  }

  async function ask(question: Question, signal: AbortSignal): Promise<void> {
    const { scope, job, vertex } = question.source
    const beganAt = clock.monotonic()
    try {
      const what = `Read the metrics of a source of job "${job.name}" at "${shownUrl(job.rest)}"`
      const metrics = await within(what, askMs, clock, signal, async (both) =>
        scope.vertexMetrics!(job.id, vertex, isOffsetGauge, both),
      )
      question.failures = 0
      question.empty = metrics.size === 0 ? question.empty + 1 : 0
      question.dueAt = beganAt + (question.empty === 0 ? intervalMs : waitMs(question.empty, intervalMs))
      if (metrics.size === 0) delete question.last
      else take(question, metrics, beganAt)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof InvariantError) throw error
      question.failures++
      question.dueAt = beganAt + waitMs(question.failures - 1, intervalMs)
      logger.debug({ job: job.name, vertex, why: describeError(error) }, 'Gauges could not be read from the JobManager')
    }
  }

  function take(question: Question, metrics: ReadonlyMap<string, number>, beganAt: number): void {
    const { scope, job, vertex } = question.source
    const isFirst = question.last === undefined
    question.last = {
      flinkCluster: scope.flinkCluster,
      ...(job.application === undefined ? {} : { applicationId: job.application.id }),
      jobId: job.id,
      vertex,
      url: shownUrl(job.rest),
      metrics,
      sentAt: beganAt - lateMs,
      takenAt: clock.monotonic(),
    }
    told = undefined
    if (isFirst && questions.get(question.key) === question) deps.onFirst()
  }

  function believed(): readonly RestGauges[] {
    const good = new Set<string>()
    for (const scope of board.scopes()) if (isMute(scope) && !mayTellOfDead(scope, clock)) good.add(scopeKey(scope))
    return [...questions.values()].flatMap(({ scopeKey: of, last }) =>
      last === undefined || !good.has(of) ? [] : [last],
    )
  }

  return {
    name: 'rest gauges',
    gauges: () => {
      told ??= believed()
      return told
    },
    changed: () => {
      told = undefined
    },
    run: async (signal) => {
      try {
        await poll({ intervalMs: Math.max(1_000, intervalMs / 5), clock }, signal, survey)
      } finally {
        await Promise.all(running)
        bug = undefined
        questions.clear()
        lanes.clear()
        told = undefined
      }
    },
  }
}

/** After a restart a JobManager may tell of the run before for a while. */
function isSameRun(before: Job, now: Job): boolean {
  if (before.startedAt !== now.startedAt || before.application?.attempt !== now.application?.attempt) return false
  return before.restarts === undefined || now.restarts === undefined || before.restarts === now.restarts
}

function waitMs(times: number, intervalMs: number): number {
  return Math.min(intervalMs * 2 ** times, Math.max(intervalMs, longestMs))
}
