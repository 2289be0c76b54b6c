import type { Compared } from '../compare/known.ts'
import { jsonText } from '../exposition/json-row.ts'
import { plain, textTable } from './text-table.ts'

const columns = ['DIFFERENCE', 'CONSUMER', 'TOPIC', 'PARTITION', 'WHAT', 'THEIRS', 'OURS', 'WHY'] as const
const numbers: ReadonlySet<string> = new Set(['PARTITION', 'THEIRS', 'OURS'])

/** Differences for people; `-` where a side has no number. */
export function compareTable(differences: readonly Compared[]): string {
  const cells = differences.map((one) => [
    one.difference,
    plain(one.consumer ?? ''),
    plain(one.topic ?? ''),
    one.partition === undefined ? '' : String(one.partition),
    one.quantity,
    one.theirs === undefined ? '-' : String(one.theirs),
    one.ours === undefined ? '-' : String(one.ours),
    plain(one.why ?? ''),
  ])
  return textTable(columns, numbers, cells)
}

/** One difference as a line of JSON: what a side does not have is left out, NaN is text. */
export function compareJson(one: Compared, kafkaCluster: string): string {
  const { difference, quantity, series, consumer, topic, partition, theirs, ours, why } = one
  return jsonText({
    difference,
    kafka_cluster: kafkaCluster,
    quantity,
    series,
    consumer,
    topic,
    partition,
    theirs: theirs !== undefined && !Number.isFinite(theirs) ? String(theirs) : theirs,
    ours,
    why,
  })
}
