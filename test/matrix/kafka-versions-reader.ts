import { createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster } from '../../src/kafka/cluster.ts'
import { type LagRow, lagRows } from '../../src/model/lag-row.ts'
import type { LogOffsetColumn } from '../../src/model/log-offsets.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import { KNOWN } from '../../src/model/reason.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { positionSources } from '../../src/positions/index.ts'
import { systemClock } from '../../src/runtime/clock.ts'

export interface Reading {
  readonly snapshot: Snapshot
  readonly rows: readonly LagRow[]
  readonly ms: number
}

/** Reads a cluster cycle after cycle, put together as the daemon and `lagkeeper lag` do. */
export interface MatrixReader extends Disposable {
  cycle(): Promise<Reading>
  /** Requests since the last call, by API; those of a new connection (ApiVersions) are left out. */
  takeRequests(): Readonly<Record<string, number>>
}

const INTERVAL_MS = 120_000
// As the daemon has it.
const REQUEST_TIMEOUT_MS = 10_000

/** @param groups to name to a broker that cannot list them */
export function createMatrixReader(
  bootstrap: string,
  { groups = [] }: { groups?: readonly string[] } = {},
): MatrixReader {
  const life = new AbortController()
  let requests: Record<string, number> = {}
  const cluster = createKafkaCluster({
    bootstrap: bootstrap.split(','),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    clock: systemClock,
    onRequest: (api) => {
      if (api !== 'ApiVersions') requests[api] = (requests[api] ?? 0) + 1
    },
  })
  const keepTopic = (name: string): boolean => !name.startsWith('__')
  const collector = createClusterCollector({
    kafkaCluster: 'matrix',
    cluster,
    sources: [
      positionSources['kafka-groups']({
        cluster,
        clock: systemClock,
        keepConsumer: () => true,
        keepTopic,
        groups,
      }),
    ],
    keepTopic,
    intervalMs: INTERVAL_MS,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock: systemClock,
    observer: silentObserver,
  })
  return {
    cycle: async () => {
      const startedAt = performance.now()
      const snapshot = await collector.cycle(life.signal)
      return { snapshot, rows: [...lagRows(snapshot)], ms: performance.now() - startedAt }
    },
    takeRequests: () => {
      const taken = requests
      requests = {}
      return taken
    },
    [Symbol.dispose]: () => {
      life.abort()
      cluster.close()
    },
  }
}

/** The known log offsets of a snapshot by `topic/partition`. */
export function logsOf({ catalog }: Snapshot, column: LogOffsetColumn): ReadonlyMap<string, bigint> {
  const logs = new Map<string, bigint>()
  for (const { name, partitions, firstRow } of catalog.topics)
    for (let partition = 0; partition < partitions; partition++)
      if (column.reason[firstRow + partition] === KNOWN)
        logs.set(`${name}/${partition}`, offsetAt(column.offset, firstRow + partition))
  return logs
}
