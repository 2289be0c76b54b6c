import type { FlinkRest } from '../flink/flink-rest.ts'
import type { JobApplication } from '../model/job.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { within } from '../runtime/within.ts'
import type { AddressGuard } from '../targets/address-guard.ts'
import type { YarnApplication, YarnAttempt } from '../yarn/application.ts'
import type { YarnCluster } from '../yarn/yarn-cluster.ts'
import { createBackground } from './background.ts'
import type { JobManagerPlace } from './flink-candidates.ts'
import { attemptOfContainer } from './flink-identity.ts'
import type { FlinkScope } from './flink-scope.ts'
import { placeOfAddress, placeOfUrl } from './rest-places.ts'
import type { Resolve } from './search-hosts.ts'

export interface YarnApplicationDeps {
  readonly cluster: YarnCluster
  readonly createRest: (url: string) => FlinkRest
  /** Hosts of the ResourceManagers: their proxies are asked whatever their addresses are. */
  readonly proxyHosts?: readonly string[]
  readonly resolve: Resolve
  readonly guard: AddressGuard
  readonly clock: Clock
}

/** One application of YARN: how its JobManager is reached, from look to look. */
export interface YarnScope {
  /** What YARN says of it now. */
  told(application: YarnApplication): void
  /** It has a JobManager that can be asked. */
  isReady(): boolean
  /** @throws UnavailableError when the JobManager cannot be read */
  look(signal: AbortSignal): ReturnType<FlinkScope['look']>
  recheck(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** For all that a look asks through one address, and for searches that it waits for. */
const lookMs = 14_000
/** An attempt is asked for again after so long: a new one may have the address of the old one. */
const attemptMs = 60_000

interface Route {
  readonly url: string
  readonly host: string
  readonly isProxy: boolean
}

export function createYarnScope(
  first: YarnApplication,
  target: FlinkScope,
  isLocal: boolean,
  deps: YarnApplicationDeps,
): YarnScope {
  const { cluster, createRest, clock, proxyHosts = [] } = deps
  const clients = new Map<string, FlinkRest>()
  let application = first
  let attempt: { readonly of: string; readonly at: number; readonly is: YarnAttempt } | undefined
  let prefersProxy = false
  const end = new AbortController()
  const refreshes = createBackground<YarnAttempt>()

  function clientOf(url: string): FlinkRest {
    const client = clients.get(url) ?? createRest(url)
    clients.set(url, client)
    return client
  }

  function closeOthers(routes: readonly Route[]): void {
    for (const [url, client] of clients) {
      if (routes.some((route) => route.url === url)) continue
      client.close()
      clients.delete(url)
    }
  }

  /** The attempt that runs. Nobody waits for a ResourceManager to say again what is known. */
  async function currentAttempt(address: string, signal: AbortSignal): Promise<YarnAttempt> {
    if (attempt?.of !== address) return await readAttempt(address, signal)
    if (clock.monotonic() - attempt.at >= attemptMs)
      void refreshes.join(address, () => readAttempt(address, end.signal), Promise.resolve()).catch(() => undefined)
    return attempt.is
  }

  async function readAttempt(address: string, signal: AbortSignal): Promise<YarnAttempt> {
    const all = await within(`Read the attempts of ${application.id}`, lookMs, clock, signal, (both) =>
      cluster.attempts(application.id, both),
    )
    const [newest] = [...all].sort((a, b) => b.number - a.number)
    if (newest === undefined) throw new UnavailableError(`Read the attempts of ${application.id}: there is none`)
    attempt = { of: address, at: clock.monotonic(), is: newest }
    return newest
  }

  async function routesOf(
    address: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly routes: readonly Route[]; readonly refusals: readonly string[] }> {
    const routes: Route[] = []
    const refusals: string[] = []
    if (address !== undefined) {
      const place = await placeOfAddress(address, isLocal, deps, signal)
      if ('why' in place) refusals.push(place.why)
      else routes.push({ url: place.url, host: place.host, isProxy: false })
    }
    const { trackingUrl } = application
    if (trackingUrl !== undefined) {
      const proxy = await placeOfUrl(trackingUrl, proxyHosts, isLocal, deps, signal)
      if ('why' in proxy) refusals.push(proxy.why)
      else routes.push({ url: proxy.url, host: '', isProxy: true })
    }
    if (prefersProxy) routes.reverse()
    return { routes, refusals }
  }

  async function look(signal: AbortSignal): ReturnType<FlinkScope['look']> {
    const { amRpcAddress } = application
    const { number, containerId, nodeHttpAddress } = await currentAttempt(amRpcAddress ?? 'proxy', signal)
    const { routes, refusals } = await routesOf(amRpcAddress, signal)
    closeOthers(routes)
    const host = hostOfAddress(amRpcAddress) ?? hostOfAddress(nodeHttpAddress)
    const jobManagers: JobManagerPlace[] =
      host === undefined
        ? []
        : [
            {
              instance: 'jobmanager',
              incarnation: containerId ?? String(number),
              host,
              mayBeStandby: false,
              ...(containerId === undefined ? {} : { containerId }),
            },
          ]
    const failures = [...refusals]
    for (const { url, isProxy } of routes) {
      try {
        const of = { rest: clientOf(url), jobManagers, isLocal, application: describe(application, number) }
        const result = await within(`Read Flink of ${application.id} at "${url}"`, lookMs, clock, signal, (both) =>
          target.look(of, both),
        )
        prefersProxy = isProxy
        if (result.found.reporters.some((one) => (attemptOfContainer(one.tmId ?? '') ?? 0) > number))
          attempt = undefined
        return result
      } catch (error) {
        if (signal.aborted || !(error instanceof UnavailableError)) throw error
        failures.push(describeError(error))
      }
    }
    throw new UnavailableError(`Read Flink of ${application.id}: ${failures.join('; ') || 'YARN names no address'}`)
  }

  return {
    told: (now) => {
      // Its ApplicationMaster is being replaced.
      if (now.state !== 'RUNNING') attempt = undefined
      application = now
    },
    isReady: () => {
      const { state, amRpcAddress, trackingUrl } = application
      return state === 'RUNNING' && (amRpcAddress !== undefined || trackingUrl !== undefined)
    },
    look,
    recheck: target.recheck,
    close: async () => {
      end.abort()
      closeOthers([])
      await refreshes.settled()
      await target.close()
    },
  }
}

function describe({ id, name, queue, user, tags }: YarnApplication, attempt: number): JobApplication {
  return { id, attempt, name, queue, user, tags }
}

function hostOfAddress(address: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(`http://${address}`)) return undefined
  return new URL(`http://${address}`).hostname.replace(/^\[(.*)\]$/, '$1')
}
