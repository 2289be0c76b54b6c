import { InvariantError } from '../runtime/errors.ts'
import type { Service } from '../runtime/service.ts'
import { createMetadataAnswer } from './answer-metadata.ts'
import { createBroker, type SimulatedBroker } from './kafka-broker.ts'
import { createFaultPlan, type Faults } from './kafka-faults.ts'
import type { SaslRules } from './kafka-sasl.ts'
import { createKafkaState, type KafkaState } from './kafka-state.ts'
import { type KafkaLine, servedRanges } from './kafka-versions.ts'
import { seededRandom } from './random.ts'
import { createRequestLog, type RequestLog } from './request-log.ts'

export interface KafkaClusterOptions {
  /** How many, with ids from 1. Default 1. */
  readonly brokers?: number
  /** Default 4.3. */
  readonly version?: KafkaLine
  /** Stamps records that are appended without a time. Default: those have no timestamp, which costs no memory. */
  readonly wall?: () => number
  /** In [0, 1), for topic ids. Default: the same in every cluster. */
  readonly random?: () => number
  /** With users, by name their passwords, every connection must pass SASL by PLAIN or SCRAM. */
  readonly users?: Readonly<Record<string, string>>
  /** Whose a bearer token is, or undefined; with it SASL OAUTHBEARER is offered too. */
  readonly bearer?: (token: string) => string | undefined
  /** Connections must authenticate again within this time, as with `connections.max.reauth.ms`. Default 0: never. */
  readonly sessionLifetimeMs?: number
}

/** A Kafka cluster in this process that speaks the real protocol over real loopback sockets, read side only. */
export interface KafkaCluster extends Service, AsyncDisposable {
  readonly version: KafkaLine
  /** `host:port` of each broker, in the order of their ids. */
  readonly bootstrap: readonly string[]
  readonly state: KafkaState
  readonly faults: ClusterFaults
  readonly requests: RequestLog
}

interface ClusterFaults extends Faults {
  /** Connections to this broker end and are refused from then on. Metadata still names it. */
  refuse(broker: number): Promise<void>
  /** Takes connections again, on the same port. */
  accept(broker: number): Promise<void>
  freeze(broker: number): void
  thaw(broker: number): void
  disconnect(broker: number): void
}

/**
 * The brokers listen as soon as this settles, so that their addresses are known before `run`; they are gone when `run`
 * or the disposal has settled. A second `run` opens the same ports again.
 */
export async function createKafkaCluster(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
  const { version = '4.3', random = seededRandom(1) } = options
  const ids = Array.from({ length: options.brokers ?? 1 }, (_, index) => index + 1)
  const state = createKafkaState(version, ids, random, options.wall)
  const faults = createFaultPlan()
  const requests = createRequestLog()
  let bug: InvariantError | undefined
  let wake: () => void = () => undefined

  const parts = {
    line: version,
    served: servedRanges(version),
    sasl: saslRules(options),
    state,
    faults,
    requests,
    answerMetadata: createMetadataAnswer(),
    brokers: () => brokers.map((broker) => broker.address()),
  }
  const brokers: readonly SimulatedBroker[] = ids.map((id) =>
    createBroker(id, parts, (error) => {
      bug ??= new InvariantError('Answer as a simulated broker: failed, expected an answer', { cause: error })
      wake()
    }),
  )
  const open = async () => {
    await Promise.all(brokers.map((broker) => broker.open()))
  }
  const close = async () => {
    await Promise.all(brokers.map((broker) => broker.close()))
    if (bug !== undefined) throw bug
  }
  const find = (id: number): SimulatedBroker => {
    const broker = brokers[id - 1]
    if (broker === undefined)
      throw new InvariantError(`Find simulated broker ${id}: not there, expected 1 to ${brokers.length}`)
    return broker
  }

  await open()
  return {
    name: 'simulated-kafka',
    version,
    bootstrap: parts.brokers().map(({ host, port }) => `${host}:${port}`),
    state,
    faults: {
      throttle: faults.throttle,
      errorFor: faults.errorFor,
      lie: faults.lie,
      refuse: (broker) => find(broker).close(),
      accept: (broker) => find(broker).open(),
      freeze: (broker) => find(broker).freeze(),
      thaw: (broker) => find(broker).thaw(),
      disconnect: (broker) => find(broker).disconnect(),
    },
    requests,
    async run(signal) {
      await open()
      await new Promise<void>((resolve) => {
        wake = resolve
        if (signal.aborted || bug !== undefined) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
      await close()
    },
    [Symbol.asyncDispose]: close,
  }
}

function saslRules({ users, bearer, sessionLifetimeMs = 0 }: KafkaClusterOptions): SaslRules | undefined {
  if (users === undefined && bearer === undefined) return undefined
  return { ...(users === undefined ? {} : { users }), ...(bearer === undefined ? {} : { bearer }), sessionLifetimeMs }
}
