import type { KafkaCluster } from '../kafka/cluster.ts'
import { failureReason } from '../kafka/failure-reason.ts'
import { readCatalog } from '../kafka/read-catalog.ts'
import { type Catalog, emptyCatalog } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'
import { describeError } from '../runtime/errors.ts'
import { createTopicRights } from './topic-rights.ts'

/** The catalog of a cluster over its cycles: the last good one, and when it was asked for. */
export interface Metadata {
  latest(): Catalog
  /** Reads the catalog anew. @throws UnavailableError when no broker answers */
  refresh(signal: AbortSignal): Promise<Catalog>
  /** The same, but an answer that does not come is a problem and the old catalog stays, if there is one. */
  tryRefresh(signal: AbortSignal): Promise<void>
  /** Topics that were there, and may not be described any more. */
  denied(): ReadonlySet<string>
  /** The problems met since the last call, and those that last. */
  takeProblems(): readonly Problem[]
}

export function createMetadata(cluster: KafkaCluster, keepTopic: (name: string) => boolean): Metadata {
  let latest = emptyCatalog
  let problems: Problem[] = []
  const rights = createTopicRights(cluster)

  async function refresh(signal: AbortSignal): Promise<Catalog> {
    const read = await readCatalog(cluster, latest, keepTopic, signal)
    problems.push(...read.problems)
    await rights.look(latest, read.catalog, read.visible, signal)
    latest = read.catalog
    return latest
  }

  return {
    latest: () => latest,
    denied: rights.denied,
    refresh,
    tryRefresh: async (signal) => {
      try {
        await refresh(signal)
      } catch (error) {
        if (signal.aborted || latest === emptyCatalog) throw error
        problems.push({ reason: failureReason(error), message: `Metadata: ${describeError(error)}` })
      }
    },
    takeProblems: () => {
      const taken = [...problems, ...rights.problems()]
      problems = []
      return taken
    },
  }
}
