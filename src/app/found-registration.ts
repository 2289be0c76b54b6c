import type { FoundReporter, FoundScope } from '../discovery/discoverer.ts'
import { compareLives, type Registration } from '../model/registration.ts'
import { idOf } from '../targets/identity.ts'

/** Of a registration that is found; three heartbeats fit into it. */
export const foundLeaseSeconds = 30

/** The label that says who found it: it tells ours from those that register themselves, also after a restart. */
export const finderLabel = 'discoverer'

/** The key of a scope among all discoverers; that of its work among replicas is `discovery/<key>`. */
export function scopeKey({ flinkCluster, scope }: Pick<FoundScope, 'flinkCluster' | 'scope'>): string {
  return `${flinkCluster}/${scope}`
}

export function registrationOf(reporter: FoundReporter, discoverer: string): Registration {
  const { namespace, app, role, instance, incarnation, address, host, zone, facts } = reporter
  return {
    id: idOf(reporter),
    namespace,
    app,
    role,
    instance,
    incarnation,
    superseded: [],
    address,
    ...(host === undefined ? {} : { host }),
    zone,
    scheme: 'http',
    metricsPath: '/metrics',
    params: {},
    labels: { [finderLabel]: discoverer },
    leaseSeconds: foundLeaseSeconds,
    facts,
  }
}

/**
 * Lives that are counted by looking begin at one again after a restart: what the registry has at the same address is
 * still that life, and at another one the next.
 */
export function inItsLife(registration: Registration, present: Registration | undefined): Registration {
  if (present === undefined || compareLives(registration.incarnation, present) !== 'older') return registration
  if (!/^\d{1,15}$/.test(present.incarnation)) return registration
  const isSamePlace = present.address === registration.address
  const life = Number(present.incarnation) + (isSamePlace ? 0 : 1)
  return { ...registration, incarnation: String(life) }
}
