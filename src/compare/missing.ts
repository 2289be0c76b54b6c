import { type Compared, type Known, scopesOf } from './known.ts'
import type { Exporter } from './names.ts'
import type { OurRow } from './ours.ts'

/** What a page shows of consumers. */
interface Shown {
  readonly exporters: ReadonlySet<Exporter>
  /** Consumers, consumers with topics, and these with partitions, as JSON. */
  readonly scopes: ReadonlySet<string>
  readonly topics: ReadonlySet<string>
}

/** The rows that only we show. Nothing, when the page has no partitions of consumers at all: that is a granularity. */
export function* missingThere(known: Known): Generator<Compared, void> {
  const shown = shownBy(known)
  if (shown.exporters.size === 0) return
  for (const row of known.ours.at(-1)?.numbers.rows ?? []) {
    const { consumer, topic, partition, lag } = row
    // Without a lag there is nothing to miss.
    if (lag === undefined || shown.scopes.has(JSON.stringify([consumer, topic, partition]))) continue
    const why = whyMissing(row, shown)
    yield {
      difference: why === undefined ? 'unexplained' : 'missing_there',
      quantity: 'records_lag',
      consumer,
      topic,
      partition,
      ours: lag,
      why: why ?? 'it shows the topic, but not this partition of the consumer',
    }
  }
}

function shownBy({ theirs }: Known): Shown {
  const exporters = new Set<Exporter>()
  const scopes = new Set<string>()
  const topics = new Set<string>()
  for (const { numbers } of theirs) {
    for (const number of numbers.values()) {
      const { consumer, topic, partition } = number
      if (topic !== undefined) topics.add(topic)
      if (number.quantity !== 'records_lag') continue
      exporters.add(number.exporter)
      for (const scope of [...scopesOf(number), JSON.stringify([consumer, topic, partition])]) scopes.add(scope)
    }
  }
  return { exporters, scopes, topics }
}

function whyMissing(row: OurRow, { exporters, scopes, topics }: Shown): string | undefined {
  if (row.kind !== 'classic' && row.kind !== 'consumer') return `it may not know consumers of kind ${row.kind}`
  if (row.position === undefined) return 'no commit: it has no series'
  if (!scopes.has(JSON.stringify([row.consumer])))
    return 'the consumer is not on its page: a filter, or it has no live member'
  if (!topics.has(row.topic)) return 'the topic is not on its page: a filter'
  if (exporters.has('kafka_lag_exporter')) return 'it leaves out what no live member is assigned'
  if (exporters.has('burrow')) return 'it knows only what was committed since it started'
  return undefined
}
