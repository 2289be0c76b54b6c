import type { PageFailure } from '../flink/flink-page.ts'
import type { Problem } from '../model/problem.ts'
import { pageTrouble } from './flink-readings.ts'

interface Failures {
  readonly first: PageFailure
  count: number
}

/**
 * Pages whose last reading failed, as problems: one for each Flink cluster and way to fail, however many they are. Those
 * of Flink clusters that are known to read another Kafka cluster are told there.
 */
export function unreadPages({
  kafkaCluster,
  failures,
  kafkaClusterOf,
}: {
  readonly kafkaCluster: string
  readonly failures: () => Iterable<PageFailure>
  readonly kafkaClusterOf: (flinkCluster: string, label: string | undefined) => string | undefined
}): readonly Problem[] {
  const groups = new Map<string, Failures>()
  for (const failure of failures()) {
    const { flinkCluster, kind } = failure
    const read = kafkaClusterOf(flinkCluster, undefined)
    if (read !== undefined && read !== kafkaCluster) continue
    const key = `${flinkCluster} ${kind}`
    const known = groups.get(key)
    if (known === undefined) groups.set(key, { first: failure, count: 1 })
    else known.count++
  }
  return Array.from(groups.values(), ({ first, count }) => {
    const { flinkCluster, url, why } = first
    const others = count === 1 ? '' : ` (${count - 1} more of this Flink cluster fail in the same way)`
    return {
      reason: pageTrouble(undefined, first, 0) ?? 'read_failed',
      message: `Read the page of a TaskManager of "${flinkCluster}" at ${url}: ${why}${others}`,
    }
  })
}
