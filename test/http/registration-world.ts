import { createAdmission } from '../../src/http/admission.ts'
import { createHostResolver } from '../../src/http/host-resolver.ts'
import { registrationBatchRoutes } from '../../src/http/registration-batches.ts'
import {
  type RegistrationRoutesDeps,
  type RegistrationStore,
  registrationRoutes,
} from '../../src/http/registrations.ts'
import type { Route } from '../../src/http/route.ts'
import { serviceDiscoveryRoutes } from '../../src/http/service-discovery.ts'
import { createTargetList, type TargetList } from '../../src/http/target-list.ts'
import { createWriteGuard } from '../../src/http/write-guard.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createAddressGuard, privateNetworks } from '../../src/targets/address-guard.ts'
import { type RunningServer, startServer } from '../fakes/http-server.ts'

export interface RegistrationWorld extends AsyncDisposable {
  readonly url: string
  readonly registry: Registry
  readonly list: TargetList
  readonly server: RunningServer
}

/** What the routes need, with names that resolve as the test says. */
export function routeDeps(
  store: RegistrationStore,
  options: { readonly token?: string; readonly names?: Readonly<Record<string, readonly string[]>> } = {},
): RegistrationRoutesDeps & { readonly rejected: string[] } {
  const { token, names = {} } = options
  const rejected: string[] = []
  const lookup = async (host: string) => {
    const found = names[host]
    if (found === undefined) throw Object.assign(new Error(`ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  return {
    store,
    rejected,
    admit: createAdmission({
      guard: createAddressGuard(privateNetworks),
      resolve: createHostResolver({ clock: systemClock, lookup }),
      onRejected: (field) => rejected.push(field),
    }),
    guardWrites: createWriteGuard(token),
    leaseSeconds: 30,
  }
}

/** Our server on loopback with a registry in memory, ready to be asked. */
export async function openRegistrationWorld(
  options: { readonly storagePath?: string; readonly port?: number; readonly routes?: readonly Route[] } = {},
): Promise<RegistrationWorld> {
  const stop = new AbortController()
  const deps = { clock: systemClock, logger: silentLogger }
  const registry = createEmbeddedRegistry({ storagePath: options.storagePath }, deps)
  const list = createTargetList({ sources: [registry], leaseSeconds: 30, mayReturn: false }, deps)
  const running = [registry.run(stop.signal), list.run(stop.signal)]
  while (list.stats() === undefined) await new Promise((resolve) => setTimeout(resolve, 1))
  const needed = routeDeps(registry)
  const server = await startServer([
    ...registrationRoutes(needed),
    ...registrationBatchRoutes(needed),
    ...serviceDiscoveryRoutes(list),
    ...(options.routes ?? []),
  ])
  return {
    url: server.url,
    registry,
    list,
    server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      stop.abort()
      await Promise.all(running)
    },
  }
}

/** A request with a JSON body. */
export function jsonRequest(method: string, body: unknown): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
