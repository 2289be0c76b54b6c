import type { FlinkRest } from '../flink/flink-rest.ts'
import type { Problem } from '../model/problem.ts'
import type { Clock } from '../runtime/clock.ts'
import { InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import { shownUrl } from '../runtime/shown-url.ts'
import { within } from '../runtime/within.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import { isLoopback } from '../targets/address-guard.ts'
import type { Discoverer, DiscoveryReport } from './discoverer.ts'
import type { JobManagerPlace } from './flink-candidates.ts'
import { createFlinkScope, type FlinkScope } from './flink-scope.ts'
import { readProblem } from './read-problem.ts'
import { expandUrls, type RestPlace } from './rest-places.ts'
import type { Resolve } from './search-hosts.ts'
import type { ReporterSearch } from './sought.ts'

export interface FlinkDiscovererOptions {
  /** The `flink_cluster` of all that is found. */
  readonly name: string
  /** The JobManager's REST, or all of several; a name that stands for several addresses is all of them. */
  readonly rest: readonly string[]
  readonly zone: string
  readonly ports?: readonly number[]
  readonly intervalMs: number
  /** For one JobManager to answer everything that a look asks; 20 seconds by default. */
  readonly lookMs?: number
}

export interface FlinkDiscovererDeps {
  /** A client for one address, which is closed when nobody is there any more. */
  readonly createRest: (url: string) => FlinkRest
  readonly search: ReporterSearch
  readonly resolve: Resolve
  readonly guard: AddressGuard
  readonly clock: Clock
  readonly logger: Logger
}

const scope = 'session'

/**
 * A Flink cluster whose address is known. Of several JobManagers any one speaks for all, so that the first that answers
 * is believed: the one that did so last is asked first. Names are looked up at each look.
 */
export function createFlinkDiscoverer(options: FlinkDiscovererOptions, deps: FlinkDiscovererDeps): Discoverer {
  const { name, zone, ports, intervalMs, lookMs = 20_000 } = options
  const { createRest, clock } = deps
  const logger = deps.logger.child({ component: `flink ${name}` })
  const clients = new Map<string, FlinkRest>()
  let preferred: string | undefined
  let isFailing = false

  function clientOf(url: string): FlinkRest {
    const client = clients.get(url) ?? createRest(url)
    clients.set(url, client)
    return client
  }

  function closeOthers(places: readonly RestPlace[]): void {
    const urls = new Set(places.map(({ url }) => url))
    for (const [url, client] of clients) {
      if (urls.has(url)) continue
      client.close()
      clients.delete(url)
    }
  }

  async function ask(
    target: FlinkScope,
    place: RestPlace,
    places: readonly RestPlace[],
    signal: AbortSignal,
  ): ReturnType<FlinkScope['look']> {
    const jobManagers = places.map(
      ({ host, hostPort }): JobManagerPlace => ({
        instance: hostPort,
        incarnation: '1',
        host,
        mayBeStandby: places.length > 1,
      }),
    )
    const isLocal = isLoopback(place.ip ?? '')
    return await within(`Read Flink at "${shownUrl(place.url)}"`, lookMs, clock, signal, (both) =>
      target.look({ rest: clientOf(place.url), jobManagers, isLocal }, both),
    )
  }

  async function look(target: FlinkScope, report: DiscoveryReport, signal: AbortSignal): Promise<void> {
    const { places, problems } = await expandUrls(options.rest, deps, signal)
    // A name service that fails for a moment has closed nothing.
    if (problems.length === 0) closeOthers(places)
    const failures: Problem[] = [...problems]
    const inOrder = [...places].sort((a, b) => Number(b.url === preferred) - Number(a.url === preferred))
    for (const place of inOrder) {
      try {
        const { found, problems: unread } = await ask(target, place, places, signal)
        preferred = place.url
        report.update(found)
        recovered()
        return report.cycle({ complete: true, problems: [...problems, ...unread] })
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof InvariantError) throw error
        failures.push(readProblem(error, shownUrl(place.url)))
      }
    }
    failed(failures)
    await target.recheck(signal)
    if (!signal.aborted) report.cycle({ complete: false, problems: failures })
  }

  function failed(problems: readonly Problem[]): void {
    if (!isFailing) logger.warn({ why: problems.map(({ message }) => message) }, 'Flink cluster cannot be read')
    isFailing = true
  }

  function recovered(): void {
    if (isFailing) logger.info({}, 'Flink cluster can be read again')
    isFailing = false
  }

  return {
    name: `flink/${name}`,
    run: async (report, signal) => {
      const target = createFlinkScope(
        { flinkCluster: name, scope, zone, ...(ports === undefined ? {} : { ports }) },
        { ...deps, logger },
      )
      try {
        await poll({ intervalMs, clock }, signal, (both) => look(target, report, both))
      } finally {
        await target.close()
        closeOthers([])
      }
    },
  }
}
