import type { Broker } from '../model/catalog.ts'
import type { KafkaState } from './kafka-state.ts'

/** One request and all that a broker needs to answer it. */
export interface Asked {
  /** Id of the broker that was asked. */
  readonly broker: number
  readonly brokers: readonly Broker[]
  readonly state: KafkaState
  readonly version: number
  readonly body: Buffer
  readonly throttleMs: number
  /** Kafka's error code to answer in place of the truth; 0 for none. */
  readonly forced: number
}

/** Decodes a request body, answers it from the state and encodes that. Throws a DecodeError on nonsense. */
export type Answer = (asked: Asked) => Buffer
