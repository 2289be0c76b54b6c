import type { KafkaCluster } from '../kafka/cluster.ts'
import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import {
  decodeFindCoordinatorResponse,
  encodeFindCoordinatorRequest,
  GROUP_KEY,
} from '../kafka-wire/find-coordinator.ts'

/** First version that takes many keys in one request (KIP-699, Kafka 3.0). */
const MANY_KEYS = 4

/**
 * The coordinators of groups now; groups without one are left out. Only for groups that a broker has listed: the request
 * may create the offsets topic.
 */
export async function findCoordinators(
  cluster: KafkaCluster,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  const many = cluster.brokers().some((broker) => (cluster.version(broker.id, apis.FindCoordinator) ?? 0) >= MANY_KEYS)
  for (const keys of many ? [ids] : ids.map((id) => [id])) {
    const { value } = await cluster.askAny(
      {
        api: apis.FindCoordinator,
        encode: (version) => encodeFindCoordinatorRequest(version, { keyType: GROUP_KEY, keys }),
        decode: (version, body) => decodeFindCoordinatorResponse(version, body, keys[0]),
      },
      signal,
    )
    for (const one of value.coordinators) if (one.error === errorCodes.NONE) found.set(one.key, one.nodeId)
  }
  return found
}
