import { setMaxListeners } from 'node:events'
import type { FlinkLook } from '../flink/flink-rest.ts'
import type { Problem } from '../model/problem.ts'
import type { Incarnation } from '../model/registration.ts'
import { breather } from '../runtime/breathe.ts'
import { childSignal } from '../runtime/child-signal.ts'
import type { Clock } from '../runtime/clock.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { idOf } from '../targets/identity.ts'
import { createBackground } from './background.ts'
import type { FoundReporter, FoundScope } from './discoverer.ts'
import { type Candidate, candidatesOf, type ScopeLook } from './flink-candidates.ts'
import { applicationOfContainer, attemptOfContainer, isUniqueId } from './flink-identity.ts'
import { whyNoReporter } from './flink-ports.ts'
import { createLane } from './lane.ts'
import { createLogQuestions } from './log-questions.ts'
import { doublesOf, type Outcome, withoutEnded } from './look-outcomes.ts'
import type { SecondOpinion } from './second-opinion.ts'
import type { ReporterSearch, SearchResult, Sought } from './sought.ts'
import { createSuspects } from './suspects.ts'

export interface FlinkScopeOptions {
  readonly flinkCluster: string
  /** The application, or `session`. */
  readonly scope: string
  readonly zone: string
  /** Where reporters may be, in place of what the JobManager's configuration says. */
  readonly ports?: readonly number[]
}

export interface FlinkScopeDeps {
  readonly search: ReporterSearch
  /** Asked for processes whose reporter is gone or mute. */
  readonly opinion?: SecondOpinion
  /** Between two looks: a process has ended. What was found last, without it. */
  readonly onEnded?: (found: FoundScope) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** One JobManager and its TaskManagers, with what must be remembered from look to look. */
export interface FlinkScope {
  /**
   * Takes little longer than Flink takes to answer: a search that lasts goes on without the look.
   *
   * @throws UnavailableError when the JobManager cannot be read
   */
  look(
    of: ScopeLook,
    signal: AbortSignal,
  ): Promise<{ readonly found: FoundScope; readonly problems: readonly Problem[] }>
  /** The JobManager could not be read: looks at the pages of what was found before, so that it is known who lives. */
  recheck(signal: AbortSignal): Promise<void>
  /** Forgets its processes; settles when nothing is being asked any more. */
  close(): Promise<void>
}

/** Processes of one scope that are looked for at the same time. */
const mostAtOnce = 32
/** How long a look waits for searches. */
const patienceMs = 6_000
/** While a JobManager cannot be read, the pages of its processes are looked at this often. */
const recheckMs = 30_000
/** As long as its page answers, a TaskManager may be missing in the list of a JobManager that has just started. */
const missingMs = 60_000

export function createFlinkScope(options: FlinkScopeOptions, deps: FlinkScopeDeps): FlinkScope {
  const { flinkCluster, scope, zone } = options
  const { search, clock, logger } = deps
  const end = new AbortController()
  const lifetime = end.signal
  // All that is asked for waits under this one; that is no leak.
  setMaxListeners(0, lifetime)
  const searches = createBackground<SearchResult>()
  const checks = createBackground<'same' | 'gone' | 'unknown'>()
  // A signal on which thousands wait at once is slow.
  const lane = createLane(mostAtOnce)
  const logs = createLogQuestions({
    clock,
    logger,
    lifetime,
    onPort: (id, port) => known.has(id) && search.hint(id, port),
  })
  const suspects = createSuspects({ opinion: deps.opinion, onEnded, lifetime, clock })
  /** What the last look found. */
  let lastFound: FoundScope | undefined
  /** Its reporters by id. */
  let last: ReadonlyMap<string, FoundReporter> = new Map()
  const known = new Set<string>()
  const missingSince = new Map<string, number>()
  /** Lives of the ids that come back with another process. */
  const lives = new Map<string, number>()
  let attemptSeen = 0
  let hasSeveralJobs = false

  function onEnded(id: string, why: string): void {
    const reporter = last.get(id)
    if (reporter === undefined || lastFound === undefined) return
    logger.info({ id, why }, 'Process has ended')
    lastFound = { ...withoutEnded(lastFound, suspects.whyEnded), isRemembered: true }
    last = byId(lastFound)
    deps.onEnded?.(lastFound)
  }

  function lifeOf(id: string): Incarnation {
    return String(lives.get(id) ?? 1)
  }

  /** An application that has only ever had one job is for that job; a session is for whoever comes. */
  function onlyJob({ jobs }: FlinkLook): string | undefined {
    const names = new Set(jobs.map(({ name }) => name))
    hasSeveralJobs ||= names.size > 1
    const [only] = names
    return hasSeveralJobs ? undefined : only
  }

  async function seek(sought: Sought): Promise<SearchResult> {
    const result = await search.find(sought, lifetime)
    // It has left meanwhile, and nobody will ask for it again.
    if (!known.has(sought.id)) search.forget(sought.id)
    return result
  }

  async function find(candidate: Candidate, of: ScopeLook, look: FlinkLook, patience: Promise<void>): Promise<Outcome> {
    const { process, identity, incarnation, tmId, facts, sought } = candidate
    const { id, host } = sought
    known.add(id)
    const whyEnded = suspects.whyEnded(id, facts.containerId)
    if (whyEnded !== undefined) return { silent: { process, host, why: whyEnded, hasEnded: true } }
    const result = await searches.join(id, () => lane(lifetime, () => seek(sought)), patience)
    if (result === undefined) {
      const before = last.get(id)
      if (before?.incarnation === incarnation) return { reporter: { ...before, facts } }
      return { silent: { process, host, why: 'its ports are still being asked' } }
    }
    if (result.kind === 'silent') {
      // Of several JobManagers the log would be that of the one that is asked.
      const isItsLog = tmId !== undefined || of.jobManagers.length === 1
      if (result.isSearched && isItsLog) logs.ask(of.rest, process, id)
      const why = [whyNoReporter(look), result.why].filter((part) => part !== undefined).join('; ')
      const lostAt = suspects.lostAt(id)
      if (lostAt !== undefined) suspects.ask(id)
      return { silent: { process, host, why, ...(lostAt === undefined ? {} : { lostAt }) } }
    }
    suspects.found(id, { container: facts.containerId, host })
    if (result.isMute) suspects.ask(id)
    const { address, host: name, registeredAs } = result
    return {
      reporter: {
        ...identity,
        incarnation,
        zone,
        address,
        ...(name === undefined ? {} : { host: name }),
        ...(registeredAs === undefined ? {} : { registeredAs }),
        ...(tmId === undefined ? {} : { tmId }),
        facts,
      },
    }
  }

  function check(
    id: string,
    maxAgeMs: number,
    patience: Promise<void>,
  ): Promise<'same' | 'gone' | 'unknown' | undefined> {
    return checks.join(id, () => lane(lifetime, () => search.check(id, maxAgeMs, lifetime)), patience)
  }

  /** Those that were there and are not in the list any more, while their own pages say that they live. */
  async function stillThere(present: ReadonlySet<string>, patience: Promise<void>): Promise<readonly FoundReporter[]> {
    for (const id of missingSince.keys()) if (present.has(id)) missingSince.delete(id)
    const missing = [...last].filter(([id]) => !present.has(id))
    const kept = await Promise.all(
      missing.map(async ([id, reporter]) => {
        if (await isAlive(id, reporter, patience)) return [reporter]
        leave(id, reporter)
        return []
      }),
    )
    return kept.flat()
  }

  async function isAlive(id: string, { tmId }: FoundReporter, patience: Promise<void>): Promise<boolean> {
    if (tmId === undefined) return false
    const since = missingSince.get(id) ?? clock.monotonic()
    missingSince.set(id, since)
    const attempt = attemptOfContainer(tmId)
    if (attempt !== undefined && attempt < attemptSeen) return false
    if (clock.monotonic() - since > missingMs) return false
    return (await check(id, 0, patience)) === 'same'
  }

  function leave(id: string, { tmId }: FoundReporter): void {
    missingSince.delete(id)
    forget(id)
    if (tmId !== undefined && !isUniqueId(tmId)) lives.set(id, Number(lifeOf(id)) + 1)
  }

  function forget(id: string): void {
    known.delete(id)
    suspects.forget(id)
    search.forget(id)
  }

  /** Those of whom no reporter was ever found, too. */
  function forgetOthers(present: ReadonlySet<string>): void {
    for (const id of known) if (!present.has(id) && !last.has(id)) forget(id)
  }

  return {
    look: async (of, signal) => {
      const { application, rest } = of
      const look = await rest.look({ flinkCluster, ...(application === undefined ? {} : { application }) }, signal)
      signal.throwIfAborted()
      if (application !== undefined) expectIts(application.id, rest.url, look)
      const only = application === undefined ? undefined : onlyJob(look)
      const from = { ...options, lifeOf, ...(only !== undefined && { flinkJob: only }) }
      const done = childSignal(signal)
      const patience = clock.sleep(patienceMs, done.signal)
      try {
        const breathe = breather()
        const present = new Set<string>()
        const candidates: Candidate[] = []
        const looks: Promise<Outcome>[] = []
        for (const candidate of candidatesOf(from, of, look)) {
          candidates.push(candidate)
          attemptSeen = Math.max(attemptSeen, attemptOfContainer(candidate.process) ?? 0)
          present.add(candidate.sought.id)
          const looking = find(candidate, of, look, patience)
          // It may fail before anybody waits for it.
          looking.catch(() => undefined)
          looks.push(looking)
          await breathe()
        }
        const first = await Promise.all(looks)
        // A port that was taken over: whoever had it is asked again, now that its new owner is known.
        const isDouble = doublesOf(first)
        const again = first.map((outcome, at) =>
          isDouble(outcome) ? find(candidates[at]!, of, look, patience) : Promise.resolve(outcome),
        )
        const outcomes = await Promise.all(again)
        const reporters = outcomes.flatMap(({ reporter }) => reporter ?? [])
        const kept = await stillThere(present, patience)
        signal.throwIfAborted()
        const silent = outcomes.flatMap((outcome) => outcome.silent ?? [])
        const all = { scope, flinkCluster, reporters: [...reporters, ...kept], silent, jobs: look.jobs }
        const found = { ...withoutEnded(all, suspects.whyEnded), vertexMetrics: rest.vertexMetrics }
        lastFound = found
        last = byId(found)
        forgetOthers(present)
        return {
          found,
          problems: look.unread.map((why) => ({
            reason: 'read_failed',
            message: `Read Flink at "${rest.url}" (${flinkCluster}/${scope}): ${why}`,
          })),
        }
      } finally {
        done.abort()
      }
    },
    recheck: async (signal) => {
      const done = childSignal(signal)
      const patience = clock.sleep(patienceMs, done.signal)
      const asked = Array.from(last.keys(), async (id) => {
        const verdict = await check(id, recheckMs, patience)
        if (verdict === 'gone' || verdict === 'unknown') suspects.ask(id)
      })
      await Promise.all(asked)
      done.abort()
    },
    close: async () => {
      end.abort()
      await Promise.all([searches.settled(), checks.settled(), logs.settled(), suspects.settled()])
      for (const id of known) search.forget(id)
      last = new Map()
    },
  }
}

/**
 * The port of an ApplicationMaster that has just died may be another's already, while YARN still names it.
 *
 * @throws UnavailableError when the JobManager is that of another application
 */
function expectIts(application: string, url: string, { clusterId, taskManagers }: FlinkLook): void {
  const named = clusterId?.startsWith('application_') === true ? [clusterId] : []
  const owners = [...named, ...taskManagers.flatMap(({ id }) => applicationOfContainer(id) ?? [])]
  const other = owners.find((owner) => owner !== application)
  if (other !== undefined)
    throw new UnavailableError(`Read Flink at "${url}": it is the JobManager of ${other}, expected ${application}`)
}

function byId({ reporters }: FoundScope): ReadonlyMap<string, FoundReporter> {
  return new Map(reporters.map((one) => [idOf(one), one]))
}
