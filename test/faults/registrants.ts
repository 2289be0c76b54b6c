import type { Oracle } from './oracle.ts'

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** Callers of the daemon whose every answer the oracle gets to know. */
export interface Registrants {
  /** Any request; the answer is searched for secrets. Rejects when there is no answer. */
  ask(path: string, init?: RequestInit): Promise<Answer>
  /** Registers `namespace/app/role/instance`. */
  put(id: string, more?: Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** Registers many in one request. */
  putMany(ids: readonly string[], more?: Readonly<Record<string, unknown>>): Promise<Answer>
  heartbeat(id: string): Promise<Answer>
  withdraw(id: string): Promise<Answer>
}

const usualLeaseSeconds = 3_600
const patienceMs = 30_000

export function createRegistrants(url: () => string, oracle: Oracle, saw: (text: string) => void): Registrants {
  const leases = new Map<string, number>()

  async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await fetch(`${url()}${path}`, { signal: AbortSignal.timeout(patienceMs), ...init })
    const text = await answer.text()
    saw(text)
    return { status: answer.status, text, headers: answer.headers }
  }

  async function told(id: string, leaseMs: number, send: () => Promise<Answer>): Promise<Answer> {
    oracle.uncertain(id)
    const answer = await send()
    if (answer.status === 200 || answer.status === 204) {
      leases.set(id, leaseMs)
      oracle.acknowledged(id, leaseMs, performance.now())
    }
    return answer
  }

  return {
    ask,
    put: (id, more = {}, headers = {}) => {
      const body = { address: addressOf(id), incarnation: '1', lease_seconds: usualLeaseSeconds, ...more }
      return told(id, body.lease_seconds * 1_000, () => ask(pathOf(id), json('PUT', body, headers)))
    },
    putMany: async (ids, more = {}) => {
      const items = ids.map((id) => ({
        ...partsOf(id),
        address: addressOf(id),
        incarnation: '1',
        lease_seconds: usualLeaseSeconds,
        ...more,
      }))
      for (const id of ids) oracle.uncertain(id)
      const answer = await ask('/v1/registrations', json('PUT', items))
      if (answer.status === 200)
        for (const id of ids) oracle.acknowledged(id, usualLeaseSeconds * 1_000, performance.now())
      return answer
    },
    heartbeat: async (id) => {
      const answer = await ask(`${pathOf(id)}/heartbeat`, { method: 'POST' })
      const leaseMs = leases.get(id)
      if (answer.status === 204 && leaseMs !== undefined) oracle.acknowledged(id, leaseMs, performance.now())
      return answer
    },
    withdraw: async (id) => {
      oracle.leaving(id)
      const answer = await ask(pathOf(id), { method: 'DELETE' })
      if (answer.status === 204) oracle.ended(id, performance.now())
      return answer
    },
  }
}

export function json(method: string, body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return { method, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

export function pathOf(id: string): string {
  return `/v1/registrations/${id.split('/').map(encodeURIComponent).join('/')}`
}

export function partsOf(id: string): Readonly<Record<'namespace' | 'app' | 'role' | 'instance', string>> {
  const [namespace = '', app = '', role = '', instance = ''] = id.split('/')
  return { namespace, app, role, instance }
}

/** An address of its own for every id, which nobody listens on. */
export function addressOf(id: string): string {
  const known = addresses.get(id)
  if (known !== undefined) return known
  const number = addresses.size
  const address = `10.${100 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}:9250`
  addresses.set(id, address)
  return address
}
const addresses = new Map<string, string>()

export function ids(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}/${index}`)
}
