import { type Compared, hasMoved, type Known, overlaps, type Question, scopesOf } from './known.ts'
import type { Quantity } from './names.ts'
import { lagRange, type Range, rangeOf } from './ours.ts'
import { unknownHere } from './unknown.ts'

const sums: ReadonlySet<Quantity> = new Set(['topic_records_lag', 'total_records_lag', 'max_records_lag'])

/** True for what is made of the lags of several partitions. */
export function isSum(quantity: Quantity): boolean {
  return sums.has(quantity)
}

/** What the lags of partitions on their own page come to, for each consumer and each of its topics. */
interface PartitionSums {
  readonly sum: ReadonlyMap<string, Range>
  readonly largest: ReadonlyMap<string, Range>
}

/** Adds up the lags of partitions on their page; -1 and NaN add nothing. */
export function partitionSums({ theirs }: Known): PartitionSums {
  const sum = new Map<string, number[]>()
  const largest = new Map<string, number[]>()
  for (const [reading, { numbers }] of theirs.entries()) {
    for (const number of numbers.values()) {
      if (number.quantity !== 'records_lag' || Number.isNaN(number.value) || number.value === -1) continue
      for (const scope of scopesOf(number)) {
        const [added, most] = [sum.get(scope) ?? theirs.map(() => 0), largest.get(scope) ?? theirs.map(() => 0)]
        added[reading]! += number.value
        most[reading] = Math.max(most[reading]!, number.value)
        sum.set(scope, added)
        largest.set(scope, most)
      }
    }
  }
  const ranges = (of: ReadonlyMap<string, readonly number[]>) =>
    new Map([...of].map(([scope, values]) => [scope, rangeOf(values)!]))
  return { sum: ranges(sum), largest: ranges(largest) }
}

/** @param unexplained consumers, and topics of consumers, of which a partition is not explained */
export function compareSum(
  known: Known,
  question: Question,
  partitions: PartitionSums,
  unexplained: ReadonlySet<string>,
): Compared {
  const { number, values, ours, rows, result } = question
  if (values.some((value) => ours.includes(value))) return result('equal')
  const theirs = rangeOf(values)
  const lag = lagRange(rows, number.quantity, false)
  if (ours.length > 0 && lag !== undefined && hasMoved(rows) && overlaps(theirs, lag))
    return result('moving', `between ${lag.least} and ${lag.most} while both were read`)
  const scope = scopesOf(number)[number.topic === undefined ? 0 : 1]!
  const own = (number.quantity === 'max_records_lag' ? partitions.largest : partitions.sum).get(scope)
  const isPoisoned = values.some((value) => Number.isNaN(value))
  if (own !== undefined && !unexplained.has(scope) && (isPoisoned || overlaps(theirs, own)))
    return result('their_partitions', 'it follows from its own partitions, which are explained')
  if (ours.length === 0) return unknownHere(known, question)
  const all = lagRange(rows, number.quantity, true)
  const deleted = all === undefined || lag === undefined ? 0 : all.most - lag.most
  if (all !== undefined && deleted > 0 && overlaps(theirs, all))
    return result('their_deleted_records', `it counts ${deleted} records before the log start, which are gone`)
  return result('unexplained')
}
