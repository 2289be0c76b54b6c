import { setMaxListeners } from 'node:events'
import type { FlinkLook } from '../flink/flink-rest.ts'
import type { Problem } from '../model/problem.ts'
import type { Incarnation } from '../model/registration.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/logger.ts'
import { idOf } from '../targets/identity.ts'
import { createBackground } from './background.ts'
import type { FoundReporter, FoundScope, SilentProcess } from './discoverer.ts'
import { type Candidate, candidatesOf, type ScopeLook } from './flink-candidates.ts'
import { attemptOfContainer, isUniqueId } from './flink-identity.ts'
import { whyNoReporter } from './flink-ports.ts'
import { createLane } from './lane.ts'
import { createLogQuestions } from './log-questions.ts'
import type { ReporterSearch, SearchResult } from './sought.ts'

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
  const logs = createLogQuestions({ clock, logger, lifetime, onPort: search.hint })
  /** What the last look found, by id. */
  let last: ReadonlyMap<string, FoundReporter> = new Map()
  const known = new Set<string>()
  const missingSince = new Map<string, number>()
  /** Lives of the ids that come back with another process. */
  const lives = new Map<string, number>()
  let attemptSeen = 0
  let hasSeveralJobs = false

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

  async function find(candidate: Candidate, of: ScopeLook, look: FlinkLook, patience: Promise<void>): Promise<Outcome> {
    const { process, identity, incarnation, tmId, facts, sought } = candidate
    const { id, host } = sought
    known.add(id)
    const result = await searches.join(id, () => lane(lifetime, () => search.find(sought, lifetime)), patience)
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
      return { silent: { process, host, why } }
    }
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
    known.delete(id)
    search.forget(id)
    if (tmId !== undefined && !isUniqueId(tmId)) lives.set(id, Number(lifeOf(id)) + 1)
  }

  /** Those of whom no reporter was ever found, too. */
  function forgetOthers(present: ReadonlySet<string>): void {
    for (const id of known) {
      if (present.has(id) || last.has(id)) continue
      known.delete(id)
      search.forget(id)
    }
  }

  return {
    look: async (of, signal) => {
      const { application, rest } = of
      const look = await rest.look({ flinkCluster, ...(application === undefined ? {} : { application }) }, signal)
      signal.throwIfAborted()
      const only = application === undefined ? undefined : onlyJob(look)
      const from = { ...options, lifeOf, ...(only !== undefined && { flinkJob: only }) }
      const done = new AbortController()
      const patience = clock.sleep(patienceMs, AbortSignal.any([signal, done.signal]))
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
        const all = [...reporters, ...kept]
        last = new Map(all.map((one) => [idOf(one), one]))
        forgetOthers(present)
        const silent = outcomes.flatMap((outcome) => outcome.silent ?? [])
        return {
          found: { scope, flinkCluster, reporters: all, silent, jobs: look.jobs },
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
      const done = new AbortController()
      const patience = clock.sleep(patienceMs, AbortSignal.any([signal, done.signal]))
      const asked = Array.from(last.keys(), (id) => check(id, recheckMs, patience))
      await Promise.all(asked)
      done.abort()
    },
    close: async () => {
      end.abort()
      await Promise.all([searches.settled(), checks.settled(), logs.settled()])
      for (const id of known) search.forget(id)
      last = new Map()
    },
  }
}

interface Outcome {
  readonly reporter?: FoundReporter
  readonly silent?: SilentProcess
}

/** Whose address somebody else of the same look has too. */
function doublesOf(outcomes: readonly Outcome[]): (outcome: Outcome) => boolean {
  const counts = new Map<string, number>()
  for (const { reporter } of outcomes)
    if (reporter !== undefined) counts.set(reporter.address, (counts.get(reporter.address) ?? 0) + 1)
  return ({ reporter }) => reporter !== undefined && (counts.get(reporter.address) ?? 0) > 1
}
