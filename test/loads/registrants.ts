/** What became of a registration that was asked for. */
type Fate =
  /** Asked, and no answer that counts yet. */
  | 'uncertain'
  /** Answered with 2xx: from here on it must be in the list. */
  | 'acknowledged'
  /** Its end was asked for, and no answer that counts yet. */
  | 'leaving'
  /** Its end was answered with 2xx. */
  | 'withdrawn'

export interface Registrants {
  /** Registers in batches, each again and again until it is answered with 200; every id is acknowledged at the end. */
  register(ids: readonly string[], leaseSeconds: number, signal: AbortSignal): Promise<void>
  /** Withdraws one by one, each until it is answered with 204. */
  withdraw(ids: readonly string[], signal: AbortSignal): Promise<void>
  fates(): ReadonlyMap<string, Fate>
  /** Acknowledged and not yet asked to leave. */
  alive(): number
  /** Requests that came to nothing, and were sent again. */
  repeated(): number
}

const batchSize = 10_000
const againMs = 100

/** Owners of registrations as they are in the field: whatever is not answered is asked again, and a journal is kept. */
export function createRegistrants(url: string): Registrants {
  const fates = new Map<string, Fate>()
  let repeated = 0

  async function insist(send: () => Promise<Response>, wanted: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const answer = await send()
        const text = await answer.text()
        if (answer.status === wanted) return
        if (answer.status !== 503) throw new Error(`Registrants: unexpected answer ${answer.status} ${text}`)
      } catch (error) {
        // What fetch throws is a lost connection: nobody knows whether the request was heard.
        if (!(error instanceof TypeError) && !signal.aborted && !isTimeout(error)) throw error
      }
      repeated++
      await pause(againMs)
    }
  }

  return {
    register: async (ids, leaseSeconds, signal) => {
      for (let from = 0; from < ids.length; from += batchSize) {
        const batch = ids.slice(from, from + batchSize)
        for (const id of batch) fates.set(id, 'uncertain')
        const body = JSON.stringify(batch.map((id) => document(id, leaseSeconds)))
        await insist(
          () =>
            fetch(`${url}/v1/registrations`, {
              method: 'PUT',
              headers: { 'Content-Type': 'application/json' },
              body,
              signal: AbortSignal.timeout(60_000),
            }),
          200,
          signal,
        )
        if (!signal.aborted) for (const id of batch) fates.set(id, 'acknowledged')
      }
    },
    withdraw: async (ids, signal) => {
      for (const id of ids) {
        fates.set(id, 'leaving')
        await insist(
          () => fetch(`${url}/v1/registrations/${id}`, { method: 'DELETE', signal: AbortSignal.timeout(20_000) }),
          204,
          signal,
        )
        if (!signal.aborted) fates.set(id, 'withdrawn')
      }
    },
    fates: () => fates,
    alive: () => [...fates.values()].filter((fate) => fate === 'acknowledged').length,
    repeated: () => repeated,
  }
}

/** `storm/app-12/taskmanager/345`, at an address of its own that nobody listens on. */
export function registrantIds(count: number, first = 0): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index
    return `storm/app-${number % 200}/taskmanager/${number}`
  })
}

function document(id: string, leaseSeconds: number): Readonly<Record<string, unknown>> {
  const [namespace, app, role, instance] = id.split('/')
  const number = Number(instance)
  const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}:9249`
  return { namespace, app, role, instance, address, incarnation: '1', lease_seconds: leaseSeconds }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
