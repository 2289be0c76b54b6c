import type { ApiName } from '../kafka-wire/apis.ts'

export interface RequestCount {
  readonly broker: number
  /** `unknown` for what the broker could not make out. */
  readonly api: ApiName | 'unknown'
  readonly version: number
  readonly count: number
}

/** Counts the requests that brokers have received. */
export interface RequestLog {
  add(broker: number, api: ApiName | 'unknown', version: number): void
  /** The number of requests, of one API or of all, to one broker or to all. */
  total(api?: ApiName | 'unknown', broker?: number): number
  counts(): readonly RequestCount[]
  reset(): void
}

export function createRequestLog(): RequestLog {
  let counts = new Map<string, RequestCount>()
  return {
    add(broker, api, version) {
      const key = `${broker} ${api} ${version}`
      counts.set(key, { broker, api, version, count: (counts.get(key)?.count ?? 0) + 1 })
    },
    total: (api, broker) =>
      [...counts.values()]
        .filter((one) => (api === undefined || one.api === api) && (broker === undefined || one.broker === broker))
        .reduce((sum, one) => sum + one.count, 0),
    counts: () => [...counts.values()],
    reset() {
      counts = new Map()
    },
  }
}
