import type { Quantity } from './names.ts'

/** One partition of a consumer as we see it; what is unknown is absent. Offsets as the float64 that a page can carry. */
export interface OurRow {
  readonly consumer: string
  readonly kind: string
  readonly topic: string
  readonly partition: number
  readonly position?: number
  readonly logStart?: number
  readonly logEnd?: number
  readonly lag?: number
  readonly reason?: string
}

export interface OurLog {
  readonly topic: string
  readonly start?: number
  readonly end?: number
}

/** One reading of a Kafka cluster by Lagkeeper. */
export interface OurNumbers {
  readonly kafkaCluster: string
  readonly rows: readonly OurRow[]
  /** Log start and end of every partition, by `partitionKey`. */
  readonly logs: ReadonlyMap<string, OurLog>
  /** Every consumer that is there, with its live members when known. */
  readonly members: ReadonlyMap<string, number | undefined>
  /** What could not be read. */
  readonly problems: readonly { readonly reason: string; readonly message: string; readonly consumer?: string }[]
}

export function partitionKey(topic: string, partition: number): string {
  return JSON.stringify([topic, partition])
}

/** A reading, prepared for questions. */
export interface OurIndex {
  readonly numbers: OurNumbers
  /** The rows that a number of somebody else is about: of a partition, a topic or a whole consumer. */
  rowsOf(about: { readonly consumer?: string; readonly topic?: string; readonly partition?: number }): readonly OurRow[]
}

export function indexOurs(numbers: OurNumbers): OurIndex {
  const byScope = new Map<string, OurRow[]>()
  const add = (key: string, row: OurRow): void => {
    const known = byScope.get(key)
    if (known === undefined) byScope.set(key, [row])
    else known.push(row)
  }
  for (const row of numbers.rows) {
    add(JSON.stringify([row.consumer]), row)
    add(JSON.stringify([row.consumer, row.topic]), row)
    add(JSON.stringify([row.consumer, row.topic, row.partition]), row)
  }
  return {
    numbers,
    rowsOf: ({ consumer, topic, partition }) =>
      byScope.get(JSON.stringify([consumer, topic, partition].filter((one) => one !== undefined))) ?? [],
  }
}

/** From the least to the most that a number may have been while both sides were read. */
export interface Range {
  readonly least: number
  readonly most: number
}

export function rangeOf(values: readonly (number | undefined)[]): Range | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : { least: Math.min(...known), most: Math.max(...known) }
}

/** Our number, or why there is none. Sums leave partitions without a position out, as those of the others do. */
export function ourNumber(quantity: Quantity, rows: readonly OurRow[]): number | string | undefined {
  if (rows.length === 0) return undefined
  if (quantity === 'position') return rows[0]!.position ?? rows[0]!.reason ?? 'no_position'
  if (quantity === 'topic_position')
    return rows.some((row) => row.position !== undefined) ? sum(rows.map((row) => row.position ?? 0)) : 'no_position'
  if (quantity === 'records_lag') return rows[0]!.lag ?? rows[0]!.reason ?? 'end_unknown'
  const unknown = rows.find((row) => row.lag === undefined && row.reason !== 'no_position')
  if (unknown !== undefined) return unknown.reason ?? 'end_unknown'
  const lags = rows.map((row) => row.lag ?? 0)
  return quantity === 'max_records_lag' ? lags.reduce((most, lag) => Math.max(most, lag), 0) : sum(lags)
}

/**
 * What the lag of some partitions may have been while log ends and positions moved from one reading to the next; with
 * `countsDeleted` records between the position and a later log start count as well.
 */
export function lagRange(
  readings: readonly (readonly OurRow[])[],
  quantity: Quantity,
  countsDeleted: boolean,
): Range | undefined {
  const partitions = new Map<string, OurRow[]>()
  for (const row of readings.flat()) {
    const key = partitionKey(row.topic, row.partition)
    partitions.set(key, [...(partitions.get(key) ?? []), row])
  }
  let least = 0
  let most = 0
  for (const rows of partitions.values()) {
    const end = rangeOf(rows.map((row) => row.logEnd))
    const from = rangeOf(
      rows.map((row) =>
        row.position === undefined
          ? undefined
          : countsDeleted
            ? row.position
            : Math.max(row.position, row.logStart ?? 0),
      ),
    )
    if (end === undefined || from === undefined) continue
    const low = Math.max(0, end.least - from.most)
    const high = Math.max(0, end.most - from.least)
    least = quantity === 'max_records_lag' ? Math.max(least, low) : least + low
    most = quantity === 'max_records_lag' ? Math.max(most, high) : most + high
  }
  return partitions.size === 0 ? undefined : { least, most }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
