import type { Problem } from '../model/problem.ts'
import { breather } from '../runtime/breathe.ts'
import { childSignal } from '../runtime/child-signal.ts'
import { describeError, InvariantError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import { within } from '../runtime/within.ts'
import type { ApplicationFilter, YarnApplication } from '../yarn/application.ts'
import { createBackground } from './background.ts'
import type { Discoverer, DiscoveryReport } from './discoverer.ts'
import { createFlinkScope, type FlinkScopeDeps } from './flink-scope.ts'
import { createLane } from './lane.ts'
import { readProblem } from './read-problem.ts'
import type { SecondOpinion } from './second-opinion.ts'
import type { ReporterSearch } from './sought.ts'
import { createYarnScope, type YarnApplicationDeps, type YarnScope } from './yarn-application.ts'
import { createYarnNodes } from './yarn-nodes.ts'

export interface YarnDiscovererOptions {
  /** The `flink_cluster` of all that is found. */
  readonly name: string
  readonly filter: ApplicationFilter
  readonly zone: string
  readonly ports?: readonly number[]
  readonly intervalMs: number
  /** For the ResourceManagers to give a list; 20 seconds by default. */
  readonly listMs?: number
  /** All ResourceManagers are on our own machine, so that loopback means the same to them. */
  readonly isLocal: boolean
  /** ResourceManagers and NodeManagers speak HTTPS. */
  readonly speaksTls?: boolean
}

export interface YarnDiscovererDeps extends YarnApplicationDeps {
  readonly search: ReporterSearch
  readonly logger: Logger
}

/** States in which an application has, or may still get, a JobManager. */
const livingStates = ['NEW', 'NEW_SAVING', 'SUBMITTED', 'ACCEPTED', 'RUNNING'] as const
const endedStates: readonly string[] = ['FINISHED', 'FAILED', 'KILLED']

/** Of the interval: how long a cycle waits for the list, and then for the looks. */
const surveyShare = 0.35
const looksShare = 0.6
const lookMs = 30_000
const mostAtOnce = 16
const mostSuspectsAtOnce = 4
const mostAskedAtOnce = 8
/** Of those of which nothing was ever read, so many are asked for by name when they are missing. */
const mostUnreadAsked = 16
/** So often an application must be missing without a word before it counts as gone. */
const missesToEnd = 3

interface Known {
  readonly id: string
  readonly scope: YarnScope
  readonly stop: AbortController
  application: YarnApplication
  /** Looks that failed, since the last good one. */
  failures: number
  /** Lists in a row without it, while the ResourceManager does not say that it has ended. */
  misses: number
  readAt?: number
  /** Of its last look. */
  problems: readonly Problem[]
  running?: Promise<void>
}

/**
 * Every Flink application of a YARN cluster. Each has a look of its own with its own deadline; those that failed last
 * time wait in a lane of their own, so that no number of stuck ones holds up the others.
 */
export function createYarnDiscoverer(options: YarnDiscovererOptions, deps: YarnDiscovererDeps): Discoverer {
  const { name, zone, ports, intervalMs, isLocal, speaksTls = false, listMs = 20_000 } = options
  const { cluster, clock, search } = deps
  const logger = deps.logger.child({ component: `yarn ${name}` })
  const filter = { ...options.filter, states: options.filter.states ?? livingStates }
  const known = new Map<string, Known>()
  // Who was read before does not wait for those who never were: thousands of them may be dead.
  const lanes = { read: createLookLanes(), unread: createLookLanes() }
  const surveys = createBackground<boolean>()
  /** Of applications that are over. */
  const closings = new Set<Promise<void>>()
  let isFailing = false
  let nodes: SecondOpinion | undefined

  function meet(application: YarnApplication, report: DiscoveryReport): Known {
    const { id } = application
    const opinion: SecondOpinion = async (container, host, signal) =>
      // What we may not see does not have to be over.
      nodes === undefined || one.application.withheld
        ? { kind: 'unknown', why: `YARN "${name}" does not show us ${id}` }
        : await nodes(container, host, signal)
    const onEnded: FlinkScopeDeps['onEnded'] = (found) => {
      if (known.get(id) === one) report.update(found)
    }
    const target = createFlinkScope(
      { flinkCluster: name, scope: id, zone, ...(ports === undefined ? {} : { ports }) },
      { search, opinion, onEnded, clock, logger },
    )
    const one: Known = {
      id,
      scope: createYarnScope(application, target, isLocal, deps),
      stop: new AbortController(),
      application,
      failures: 0,
      misses: 0,
      problems: [],
    }
    known.set(id, one)
    return one
  }

  function end(one: Known, report: DiscoveryReport): void {
    known.delete(one.id)
    one.stop.abort()
    report.update({ scope: one.id, flinkCluster: name, reporters: [], silent: [], jobs: [], ended: true })
    // A look that is under way may take its time; nobody has to wait for it.
    const closing = close(one).finally(() => closings.delete(closing))
    closing.catch(() => undefined)
    closings.add(closing)
  }

  async function close({ running, scope }: Known): Promise<void> {
    await running
    await scope.close()
  }

  async function list(signal: AbortSignal): Promise<readonly YarnApplication[]> {
    return await within(`List the applications of YARN "${name}"`, listMs, clock, signal, (both) =>
      cluster.applications(filter, both),
    )
  }

  /** True when it is known of every application whether it is there. */
  async function reconcile(
    listed: readonly YarnApplication[],
    report: DiscoveryReport,
    signal: AbortSignal,
  ): Promise<boolean> {
    const present = new Set<string>()
    const breathe = breather()
    for (const application of listed) {
      await breathe()
      signal.throwIfAborted()
      if (endedStates.includes(application.state)) continue
      present.add(application.id)
      const one = known.get(application.id) ?? meet(application, report)
      one.application = application
      one.misses = 0
      one.scope.told(application)
    }
    const missing = [...known.values()].filter(({ id }) => !present.has(id))
    const left = missing.values()
    let unread = 0
    let ended = 0
    // Each begins with the next one when it is done with one: thousands may be missing.
    const ask = async (): Promise<void> => {
      for (const one of left) {
        await breathe()
        // Of one of which there is nothing, nothing can be lost: it need not be asked for.
        const isAsked = one.readAt !== undefined || ++unread <= mostUnreadAsked
        if (!(isAsked ? await isOver(one, signal) : ++one.misses >= missesToEnd)) continue
        end(one, report)
        ended++
      }
    }
    await Promise.all(Array.from({ length: mostAskedAtOnce }, ask))
    return ended === missing.length
  }

  /** One that is not listed has ended, or is none of ours any more, or the ResourceManager has just forgotten it. */
  async function isOver(one: Known, signal: AbortSignal): Promise<boolean> {
    try {
      const now = await within(`Read ${one.id}`, listMs, clock, signal, (both) => cluster.application(one.id, both))
      if (now !== undefined && endedStates.includes(now.state)) return true
      if (now !== undefined) {
        one.application = now
        one.scope.told(now)
      }
      one.misses++
      // Its own JobManager knows better than a ResourceManager that has lost its memory.
      const isHeard = now === undefined && one.readAt !== undefined && clock.monotonic() - one.readAt < 3 * intervalMs
      return one.misses >= missesToEnd && !isHeard
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof UnavailableError)) throw error
      return false
    }
  }

  async function lookAt(one: Known, report: DiscoveryReport): Promise<void> {
    const { signal } = one.stop
    const { healthy, suspects } = one.readAt === undefined ? lanes.unread : lanes.read
    const lane = one.failures > 0 ? suspects : healthy
    try {
      await lane(signal, async () => {
        const { found, problems: unread } = await within(`Read ${one.id}`, lookMs, clock, signal, one.scope.look)
        signal.throwIfAborted()
        report.update(found)
        if (one.failures > 0) logger.info({ application: one.id }, 'Application can be read again')
        one.failures = 0
        one.readAt = clock.monotonic()
        one.problems = unread
      })
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof InvariantError) throw error
      one.failures++
      const why = describeError(error)
      if (one.failures === 1) logger.warn({ application: one.id, why }, 'Application cannot be read')
      one.problems = [readProblem(error)]
      await one.scope.recheck(signal)
    }
  }

  /** Starts a look at each that is not being looked at; all that run are given until the next cycle is due. */
  async function lookAtAll(report: DiscoveryReport, problems: Problem[], signal: AbortSignal): Promise<boolean> {
    const startedAt = clock.monotonic()
    const done = childSignal(signal)
    const time = clock.sleep(intervalMs * looksShare, done.signal)
    const ready: Known[] = []
    const looks: Promise<void>[] = []
    const breathe = breather()
    for (const one of [...known.values()]) {
      await breathe()
      if (signal.aborted) break
      if (known.get(one.id) !== one || !one.scope.isReady()) continue
      one.running ??= lookAt(one, report).finally(() => {
        delete one.running
      })
      one.running.catch(() => undefined)
      ready.push(one)
      looks.push(one.running)
    }
    await Promise.race([Promise.all(looks), time])
    done.abort()
    for (const one of ready.filter(({ id }) => known.has(id)))
      if (one.running === undefined) problems.push(...one.problems)
      else problems.push({ reason: 'timeout', message: `Read ${one.id}: still under way` })
    return [...known.values()].every(
      ({ scope, readAt }) => !scope.isReady() || (readAt !== undefined && readAt >= startedAt),
    )
  }

  /** Who is there. True when that is known of everybody. */
  async function survey(report: DiscoveryReport, signal: AbortSignal): Promise<boolean> {
    try {
      const isKnown = await reconcile(await list(signal), report, signal)
      if (isFailing) logger.info({}, 'YARN can be read again')
      isFailing = false
      return isKnown
    } catch (error) {
      if (!signal.aborted && !isFailing) logger.warn({ why: describeError(error) }, 'YARN cannot be read')
      isFailing = true
      throw error
    }
  }

  /** JobManagers that are known are asked whatever becomes of the ResourceManager, and do not wait long for it. */
  async function cycle(report: DiscoveryReport, signal: AbortSignal): Promise<void> {
    const problems: Problem[] = []
    let outcome: boolean | undefined
    const done = childSignal(signal)
    const patience = clock.sleep(intervalMs * surveyShare, done.signal)
    try {
      outcome = await surveys.join(name, () => survey(report, signal), patience)
      if (outcome === undefined) problems.push({ reason: 'timeout', message: `List YARN "${name}": still under way` })
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof InvariantError) throw error
      problems.push(readProblem(error))
    } finally {
      done.abort()
    }
    const isRead = await lookAtAll(report, problems, signal)
    if (signal.aborted) return
    const waiting = [...known.values()].flatMap(({ id, scope }) => (scope.isReady() ? [] : [id]))
    const complete = outcome === true && isRead
    const isUp = outcome !== undefined
    report.cycle({
      complete,
      ...(waiting.length === 0 ? {} : { waiting }),
      ...(isUp === complete ? {} : { isUp }),
      problems: [...problems],
    })
  }

  return {
    name: `yarn/${name}`,
    run: async (report, signal) => {
      nodes = createYarnNodes({ isLocal, speaksTls }, deps, signal)
      // With the reason that there is: to make one for each of thousands takes long.
      const stopAll = (): void => {
        for (const one of known.values()) one.stop.abort(signal.reason)
      }
      // One for all: a signal on which thousands wait at once is slow.
      signal.addEventListener('abort', stopAll, { once: true })
      try {
        await poll({ intervalMs, clock }, signal, (both) => cycle(report, both))
      } finally {
        signal.removeEventListener('abort', stopAll)
        stopAll()
        await surveys.settled()
        const breathe = breather()
        const closing: Promise<void>[] = []
        for (const one of known.values()) {
          closing.push(close(one))
          await breathe()
        }
        await Promise.all([...closing, ...closings])
        known.clear()
      }
    },
  }
}

function createLookLanes() {
  return { healthy: createLane(mostAtOnce), suspects: createLane(mostSuspectsAtOnce) }
}
