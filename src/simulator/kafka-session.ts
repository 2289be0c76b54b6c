import { encodeApiVersionsResponse } from '../kafka-wire/api-versions.ts'
import { type ApiName, apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeRequestHeader, encodeResponseHeader } from '../kafka-wire/headers.ts'
import type { Broker } from '../model/catalog.ts'
import type { Answer } from './answer.ts'
import { answerDescribeConfigs } from './answer-configs.ts'
import { answerFetch } from './answer-fetch.ts'
import {
  answerConsumerGroupDescribe,
  answerShareGroupDescribe,
  answerShareGroupOffsets,
  answerStreamsGroupDescribe,
} from './answer-group-kinds.ts'
import { answerDescribeGroups, answerFindCoordinator, answerListGroups } from './answer-groups.ts'
import { answerDescribeLogDirs } from './answer-log-dirs.ts'
import { answerOffsetFetch } from './answer-offset-fetch.ts'
import { answerListOffsets, answerOffsetForLeaderEpoch } from './answer-offsets.ts'
import type { FaultPlan } from './kafka-faults.ts'
import { createSaslSession, type SaslRules } from './kafka-sasl.ts'
import type { KafkaState } from './kafka-state.ts'
import { type KafkaLine, onUnknownRequest, type Ranges } from './kafka-versions.ts'
import type { RequestLog } from './request-log.ts'

/** What the brokers of a cluster share. */
export interface ClusterParts {
  readonly line: KafkaLine
  readonly served: Ranges
  /** Whom they let in; undefined: everybody. */
  readonly sasl: SaslRules | undefined
  readonly state: KafkaState
  readonly faults: FaultPlan
  readonly requests: RequestLog
  readonly answerMetadata: Answer
  brokers(): readonly Broker[]
}

/** An answer without its length. */
export interface Reply {
  readonly api: ApiName
  readonly version: number
  readonly correlation: number
  readonly parts: readonly Buffer[]
  /** The connection ends after it. */
  readonly last: boolean
}

/**
 * One connection to one broker as a function from frame to reply. A broker of an old line closes the connection on what
 * it does not know or says nothing; nonsense is a DecodeError.
 */
export function createSession(cluster: ClusterParts, broker: number): (frame: Buffer) => Reply | 'close' | 'silence' {
  const { served, state, faults, requests } = cluster
  const sasl = createSaslSession(cluster.sasl)

  function answerOf(api: ApiName): Answer {
    switch (api) {
      case 'ApiVersions':
        return ({ forced }) => encodeApiVersionsResponse(0, { error: forced, ranges: rangesOf(served) })
      case 'SaslHandshake':
        return ({ version, body }) => sasl.handshake(version, body)
      case 'SaslAuthenticate':
        return ({ version, body }) => sasl.authenticate(version, body)
      case 'Metadata':
        return cluster.answerMetadata
      case 'ListOffsets':
        return answerListOffsets
      case 'OffsetForLeaderEpoch':
        return answerOffsetForLeaderEpoch
      case 'FindCoordinator':
        return answerFindCoordinator
      case 'ListGroups':
        return answerListGroups
      case 'DescribeGroups':
        return answerDescribeGroups
      case 'OffsetFetch':
        return answerOffsetFetch
      case 'Fetch':
        return answerFetch
      case 'DescribeConfigs':
        return answerDescribeConfigs
      case 'DescribeLogDirs':
        return answerDescribeLogDirs
      case 'ConsumerGroupDescribe':
        return answerConsumerGroupDescribe
      case 'ShareGroupDescribe':
        return answerShareGroupDescribe
      case 'StreamsGroupDescribe':
        return answerStreamsGroupDescribe
      case 'DescribeShareGroupOffsets':
        return answerShareGroupOffsets
    }
  }

  return (frame) => {
    if (sasl.awaitsToken()) {
      const token = sasl.token(frame)
      if (token === undefined) return 'close'
      return { api: 'SaslAuthenticate', version: 0, correlation: 0, parts: [token], last: false }
    }
    const { key, version, correlation, body } = decodeRequestHeader(frame)
    const api = namesByKey.get(key)
    requests.add(broker, api ?? 'unknown', version)
    const range = api === undefined ? undefined : served[api]
    if (api === undefined || range === undefined) return onUnknownRequest(cluster.line)
    const isServed = version >= range[0] && version <= range[1]
    // A client cannot know yet what to ask for, so this one question is answered in its oldest form (KIP-511).
    if (!isServed && api !== 'ApiVersions') return onUnknownRequest(cluster.line)
    if (!sasl.isOpen() && !openToAll.has(api)) return 'close'
    const forced = isServed ? faults.takeError(api) : errorCodes.UNSUPPORTED_VERSION
    const spoken = isServed ? version : 0
    const throttleMs = faults.throttleMs()
    const asked = { broker, brokers: cluster.brokers(), state, version: spoken, body, throttleMs, forced }
    const parts = [encodeResponseHeader(apis[api], spoken, correlation), answerOf(api)(asked)]
    return { api, version: spoken, correlation, parts, last: sasl.hasFailed() }
  }
}

const namesByKey: ReadonlyMap<number, ApiName> = new Map(Object.values(apis).map(({ key, name }) => [key, name]))
const openToAll: ReadonlySet<ApiName> = new Set<ApiName>(['ApiVersions', 'SaslHandshake', 'SaslAuthenticate'])

function rangesOf(served: Ranges): { readonly key: number; readonly min: number; readonly max: number }[] {
  return Object.values(apis).flatMap(({ key, name }) => {
    const range = served[name]
    return range === undefined ? [] : [{ key, min: range[0], max: range[1] }]
  })
}
