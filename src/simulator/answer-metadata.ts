import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeMetadataRequest, encodeMetadataResponse, type MetadataTopic } from '../kafka-wire/metadata.ts'
import type { Answer, Asked } from './answer.ts'

const CLUSTER_ID = 'lagkeeper-simulator'

/**
 * Never makes a topic, as a broker with `auto.create.topics.enable=false`. The answer about all topics is kept until
 * they change, because a million partitions take a quarter of a second to encode.
 */
export function createMetadataAnswer(): Answer {
  const kept = new Map<number, { readonly revision: number; readonly body: Buffer }>()
  return (asked) => {
    const { state, version } = asked
    const names = decodeMetadataRequest(version, asked.body).topics
    if (names !== undefined) return encode(asked, named(asked, names))
    if (asked.forced !== 0 || asked.throttleMs > 0 || state.denied.topics.size > 0) return encode(asked, visible(asked))
    const known = kept.get(version)
    if (known?.revision === state.revision()) return known.body
    const body = encode(asked, visible(asked))
    kept.set(version, { revision: state.revision(), body })
    return body
  }
}

function encode({ version, brokers, throttleMs }: Asked, topics: readonly MetadataTopic[]): Buffer {
  const controllerId = brokers[0]?.id ?? -1
  return encodeMetadataResponse(version, { throttleMs, brokers, clusterId: CLUSTER_ID, controllerId, topics })
}

function visible({ state, forced }: Asked): MetadataTopic[] {
  const topics = [...state.topics.values()].filter(({ name }) => !state.denied.topics.has(name))
  return forced === 0 ? topics : topics.map(({ name }) => refused(name, forced))
}

function named({ state, forced }: Asked, names: readonly string[]): MetadataTopic[] {
  return names.map((name) => {
    if (forced !== 0) return refused(name, forced)
    if (state.denied.topics.has(name)) return refused(name, errorCodes.TOPIC_AUTHORIZATION_FAILED)
    return state.topics.get(name) ?? refused(name, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })
}

function refused(name: string, error: number): MetadataTopic {
  const none = new Int32Array(0)
  return {
    error,
    name,
    internal: false,
    partitions: none,
    leaders: none,
    leaderEpochs: none,
    partitionErrors: new Int16Array(0),
  }
}
