import type { ApiName } from '../kafka-wire/apis.ts'
import { type ErrorName, errorCodes } from '../kafka-wire/error-codes.ts'

/** One answer on its way to the wire. */
interface OutgoingAnswer {
  readonly broker: number
  readonly api: ApiName
  readonly version: number
  readonly correlation: number
  /** What the socket would get: length, header and body. */
  readonly bytes: Buffer
}

/** Bytes in place of the true ones, or bytes that drip as they come, or none at all, or the end of the connection. */
export type Lie = Uint8Array | AsyncIterable<Uint8Array> | 'silence' | 'close'

/** What goes wrong in a simulated cluster, beside what its state says. Everything lasts until it is taken back. */
export interface Faults {
  /** Answers say that the client was throttled for so long. */
  throttle(ms: number): void
  /** The next requests of this API, whoever gets them, are answered with these errors in turn; `NONE` lets one pass. */
  errorFor(api: ApiName, ...errors: readonly ErrorName[]): void
  /** Every answer goes through `hook`; undefined takes it away. */
  lie(hook: ((answer: OutgoingAnswer) => Lie) | undefined): void
}

/** The brokers' side of the faults. */
export interface FaultPlan extends Faults {
  throttleMs(): number
  /** Kafka's code for the next request of this API; 0 for none. */
  takeError(api: ApiName): number
  onWire(answer: OutgoingAnswer): Lie
}

export function createFaultPlan(): FaultPlan {
  const errors = new Map<ApiName, number[]>()
  let throttleMs = 0
  let hook: ((answer: OutgoingAnswer) => Lie) | undefined
  return {
    throttle(ms) {
      throttleMs = ms
    },
    errorFor(api, ...names) {
      errors.set(api, [...(errors.get(api) ?? []), ...names.map((name) => errorCodes[name])])
    },
    lie(next) {
      hook = next
    },
    throttleMs: () => throttleMs,
    takeError: (api) => errors.get(api)?.shift() ?? 0,
    onWire: (answer) => hook?.(answer) ?? answer.bytes,
  }
}
