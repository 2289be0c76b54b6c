import { type Api, apis } from '../kafka-wire/apis.ts'
import type { KafkaCluster } from './cluster.ts'

/** True when a broker is known to be without an API: it has told what it speaks, and that is not in it. */
export function lacksApi(cluster: KafkaCluster, broker: number, api: Api): boolean {
  return cluster.version(broker, apis.Metadata) !== undefined && cluster.version(broker, api) === undefined
}
