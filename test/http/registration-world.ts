import { createAdmission } from '../../src/http/admission.ts'
import type { AuditEntry } from '../../src/http/audit.ts'
import { createAuthority } from '../../src/http/authorize.ts'
import { createChanges } from '../../src/http/changes.ts'
import { createHostResolver } from '../../src/http/host-resolver.ts'
import { createQuota } from '../../src/http/quota.ts'
import { registrationBatchRoutes } from '../../src/http/registration-batches.ts'
import {
  type RegistrationRoutesDeps,
  type RegistrationStore,
  registrationRoutes,
} from '../../src/http/registrations.ts'
import type { Route } from '../../src/http/route.ts'
import type { HttpLimits } from '../../src/http/server.ts'
import { serviceDiscoveryRoutes } from '../../src/http/service-discovery.ts'
import { createTargetList, type TargetList } from '../../src/http/target-list.ts'
import { createTokens, digestOf, scopes, type TokenGrant } from '../../src/http/tokens.ts'
import type { Target } from '../../src/model/target.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { type Clock, systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createAddressGuard, privateNetworks } from '../../src/targets/address-guard.ts'
import { type RunningServer, startServer } from '../fakes/http-server.ts'

export interface RegistrationWorld extends AsyncDisposable {
  readonly url: string
  readonly registry: Registry
  readonly list: TargetList
  readonly server: RunningServer
}

export interface DoorOptions {
  /** A token that may do everything. */
  readonly token?: string
  readonly grants?: readonly TokenGrant[]
  readonly names?: Readonly<Record<string, readonly string[]>>
  readonly clock?: Clock
  readonly targets?: () => readonly Target[]
}

/** A grant with what is given, and else without limits. */
export function grant(token: string, more: Partial<TokenGrant> = {}): TokenGrant {
  const namespaces = { covers: () => true, text: 'all' }
  return { name: 'team', digest: digestOf(token), scopes: new Set(scopes), namespaces, ...more }
}

/** What the routes need, with names that resolve as the test says, and what was written down. */
export function routeDeps(
  store: RegistrationStore,
  options: DoorOptions = {},
): RegistrationRoutesDeps & { readonly rejected: string[]; readonly audited: AuditEntry[] } {
  const { token, grants = [], names = {}, clock = systemClock, targets = () => [] } = options
  const rejected: string[] = []
  const audited: AuditEntry[] = []
  const lookup = async (host: string) => {
    const found = names[host]
    if (found === undefined) throw Object.assign(new Error(`ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  const tokens = createTokens([...(token === undefined ? [] : [grant(token)]), ...grants])
  return {
    store,
    rejected,
    audited,
    admit: createAdmission({
      guard: createAddressGuard(privateNetworks),
      resolve: createHostResolver({ clock: systemClock, lookup }),
      onRejected: (field) => rejected.push(field),
    }),
    changes: createChanges({
      authority: createAuthority(tokens, clock),
      audit: { record: (entry) => audited.push(entry) },
    }),
    quota: createQuota(targets, clock),
    leaseSeconds: 30,
  }
}

/** Our server on loopback with a registry in memory, ready to be asked. */
export async function openRegistrationWorld(
  options: {
    readonly storagePath?: string
    readonly routes?: readonly Route[]
    readonly limits?: Partial<HttpLimits>
  } = {},
): Promise<RegistrationWorld> {
  const stop = new AbortController()
  const deps = { clock: systemClock, logger: silentLogger }
  const registry = createEmbeddedRegistry({ storagePath: options.storagePath }, deps)
  const list = createTargetList({ sources: [registry], leaseSeconds: 30, mayReturn: false }, deps)
  const running = [registry.run(stop.signal), list.run(stop.signal)]
  while (list.stats() === undefined) await new Promise((resolve) => setTimeout(resolve, 1))
  const needed = routeDeps(registry, { targets: () => registry.view()?.targets ?? [] })
  const server = await startServer(
    [
      ...registrationRoutes(needed),
      ...registrationBatchRoutes(needed),
      ...serviceDiscoveryRoutes(list),
      ...(options.routes ?? []),
    ],
    options.limits,
  )
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
