import type { Registration } from '../../src/model/registration.ts'
import type { Target } from '../../src/model/target.ts'
import { idOf } from '../../src/targets/identity.ts'

/** A registration with every default; the id follows the identity. */
export function registration(overrides: Partial<Registration> = {}): Registration {
  const identity = { namespace: 'payments', app: 'orders', role: 'taskmanager', instance: 'tm-1', ...overrides }
  return {
    id: idOf(identity),
    namespace: identity.namespace,
    app: identity.app,
    role: identity.role,
    instance: identity.instance,
    incarnation: '1',
    superseded: [],
    address: '10.0.0.7:9250',
    scheme: 'http',
    metricsPath: '/metrics',
    params: {},
    labels: {},
    zone: 'default',
    leaseSeconds: 30,
    facts: {},
    ...overrides,
  }
}

export function target(overrides: Partial<Registration> = {}, state: Target['state'] = 'listed', order = 1): Target {
  return { registration: registration(overrides), state, order }
}

/** Registrations that differ in instance and address. */
export function registrations(count: number, overrides: Partial<Registration> = {}): Registration[] {
  return Array.from({ length: count }, (_, index) =>
    registration({
      instance: `tm-${index}`,
      address: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:9250`,
      ...overrides,
    }),
  )
}
