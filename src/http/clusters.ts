import type { Snapshot } from '../model/snapshot.ts'
import { Refusal } from './route.ts'

/** What the daemon knows of its Kafka clusters, as routes need it. */
export interface Clusters {
  /** Names of all configured clusters. */
  names(): readonly string[]
  /** The last complete snapshot of each cluster that has one. */
  snapshots(): readonly Snapshot[]
}

/**
 * The snapshots of one cluster or of all, by name; empty when the cluster has not completed a cycle yet.
 *
 * @throws Refusal 404 when there is no such cluster.
 */
export function snapshotsOf(clusters: Clusters, kafkaCluster: string | undefined): readonly Snapshot[] {
  const all = clusters.snapshots().toSorted((a, b) => (a.kafkaCluster < b.kafkaCluster ? -1 : 1))
  if (kafkaCluster === undefined) return all
  const known = [...new Set([...clusters.names(), ...all.map((snapshot) => snapshot.kafkaCluster)])].sort()
  if (!known.includes(kafkaCluster))
    throw new Refusal(404, `No Kafka cluster "${kafkaCluster}", known are: ${known.join(', ') || 'none'}`, {
      kafka_clusters: known,
    })
  return all.filter((snapshot) => snapshot.kafkaCluster === kafkaCluster)
}
