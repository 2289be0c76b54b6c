import { readLag } from '../../src/commands/read-lag.ts'
import type { KafkaClusterOptions } from '../../src/kafka/cluster.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import { systemClock } from '../../src/runtime/clock.ts'

/** What `lagkeeper lag` finds: `consumer topic/partition` to the lag, or to the reason that there is none. */
export async function lagOf(
  options: Pick<KafkaClusterOptions, 'bootstrap' | 'tls' | 'sasl'> & { readonly requestTimeoutMs?: number },
) {
  const snapshot = await readLag(
    {
      kafkaCluster: 'real',
      requestTimeoutMs: 10_000,
      clock: systemClock,
      keepConsumer: () => true,
      keepTopic: () => true,
      ...options,
    },
    new AbortController().signal,
  )
  const rows = [...lagRows(snapshot)].map((row) => [
    `${row.consumer} ${row.topic}/${row.partition}`,
    row.recordsLag === undefined ? row.reason : String(row.recordsLag),
  ])
  return {
    rows: Object.fromEntries(rows),
    problems: snapshot.problems.map(({ reason, consumer, topic }) =>
      [reason, consumer ?? topic].filter(Boolean).join(' '),
    ),
  }
}
