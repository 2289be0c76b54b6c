import { createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster, type KafkaClusterOptions } from '../../src/kafka/cluster.ts'
import type { ApiName } from '../../src/kafka-wire/apis.ts'
import { type LagRow, lagRows } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock } from '../../src/runtime/clock.ts'

/** A collector of one real cluster, asked cycle by cycle. */
export interface Watch extends AsyncDisposable {
  cycle(): Promise<Snapshot>
  /** Cycles until the snapshot is as wanted, at most 60 s. */
  until(what: string, isSo: (snapshot: Snapshot) => boolean): Promise<Snapshot>
  /** Requests sent since the last call, by API. */
  requests(): Readonly<Partial<Record<ApiName, number>>>
}

export function watchGroups(bootstrap: string, options: Partial<KafkaClusterOptions> = {}): Watch {
  let requests: Partial<Record<ApiName, number>> = {}
  const cluster = createKafkaCluster({
    bootstrap: bootstrap.split(','),
    requestTimeoutMs: 10_000,
    clock: systemClock,
    onRequest: (api) => {
      requests[api] = (requests[api] ?? 0) + 1
    },
    ...options,
  })
  const keepTopic = (name: string) => !name.startsWith('__')
  const collector = createClusterCollector({
    kafkaCluster: 'real',
    cluster,
    sources: [createKafkaGroups({ cluster, clock: systemClock, keepConsumer: () => true, keepTopic })],
    keepTopic,
    intervalMs: 60_000,
    noPosition: () => 'ignore',
    objectives: () => [],
    clock: systemClock,
    observer: silentObserver,
  })
  const cycle = () => collector.cycle(new AbortController().signal)
  return {
    cycle,
    until: async (what, isSo) => {
      const deadline = Date.now() + 60_000
      for (;;) {
        const snapshot = await cycle()
        if (isSo(snapshot)) return snapshot
        if (Date.now() > deadline)
          throw new Error(`Wait for ${what}: not so after 60 s, but ${JSON.stringify(rowsOf(snapshot))}`)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    },
    requests: () => {
      const sent = requests
      requests = {}
      return sent
    },
    async [Symbol.asyncDispose]() {
      cluster.close()
    },
  }
}

/** `topic/partition` of one consumer, or of all with its name before it, to position, lag and reason. */
export function rowsOf(snapshot: Snapshot, consumer?: string): Record<string, string> {
  const one = ({ position, recordsLag, reason }: LagRow): string =>
    [
      position === undefined ? undefined : `at ${position}`,
      recordsLag === undefined ? undefined : `lag ${recordsLag}`,
      reason,
    ]
      .filter(Boolean)
      .join(' ')
  return Object.fromEntries(
    [...lagRows(snapshot)]
      .filter((row) => consumer === undefined || row.consumer === consumer)
      .map((row) => [`${consumer === undefined ? `${row.consumer} ` : ''}${row.topic}/${row.partition}`, one(row)]),
  )
}

/** Kind, state and members of a consumer; `gone`, or undefined for one that nobody has heard of. */
export function personOf(snapshot: Snapshot, name: string): string | undefined {
  const found = snapshot.consumers.find(({ consumer }) => consumer.name === name)
  if (found === undefined) return undefined
  const { kind, state, members } = found.consumer
  return found.present ? `${kind} ${state} ${members}` : 'gone'
}
