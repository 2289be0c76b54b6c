import {
  type Compared,
  hasMoved,
  isWithin,
  type Known,
  knownFrom,
  overlaps,
  type Question,
  questionOf,
  scopesOf,
} from './known.ts'
import { missingThere } from './missing.ts'
import { lagRange, type OurNumbers, type OurRow, type Range, rangeOf } from './ours.ts'
import { compareSum, isSum, partitionSums } from './sums.ts'
import type { TheirNumbers } from './their.ts'
import { unknownHere } from './unknown.ts'

/**
 * Explains every number of two pages that were read in turn, once or several times each: ours before theirs. Sums come
 * after the partitions they are made of, and at last what only we have.
 */
export function* compareReadings(
  theirs: readonly TheirNumbers[],
  ours: readonly OurNumbers[],
): Generator<Compared, void> {
  const known = knownFrom(theirs, ours)
  const unexplained = new Set<string>()
  const sums: Question[] = []
  for (const key of new Set(theirs.flatMap(({ numbers }) => [...numbers.keys()]))) {
    const question = questionOf(known, key)
    if (isSum(question.number.quantity)) {
      sums.push(question)
      continue
    }
    const compared = compareOne(known, question)
    if (question.number.quantity === 'records_lag' && compared.difference === 'unexplained')
      for (const scope of scopesOf(question.number)) unexplained.add(scope)
    yield compared
  }
  const partitions = partitionSums(known)
  for (const question of sums) yield compareSum(known, question, partitions, unexplained)
  yield* missingThere(known)
}

function compareOne(known: Known, question: Question): Compared {
  const { number, values, ours, result } = question
  if (values.some((value) => ours.includes(value))) return result('equal')
  if (number.quantity === 'members') return compareMembers(known, question)
  if (ours.length === 0) return unknownHere(known, question)
  if (isWithin(values, ours)) return result('moving', 'it moved from one reading to the other')
  if (number.quantity === 'topic_position') return comparePositionSum(known, question)
  return number.quantity === 'records_lag' ? compareLag(question) : result('unexplained')
}

/** A lag that is not ours although ours is known. */
function compareLag({ values, rows, result }: Question): Compared {
  const row = rows.findLast((some) => some.length > 0)?.[0]
  const value = values.at(-1)!
  const lag = lagRange(rows, 'records_lag', false)
  if (lag !== undefined && hasMoved(rows) && overlaps(rangeOf(values), lag))
    return result('moving', `between ${lag.least} and ${lag.most} while both were read`)
  if (row?.position === undefined) {
    const isEmpty = value === -1 || Number.isNaN(value)
    return isEmpty
      ? result('their_no_commit', `it shows ${value}; the partition is empty, so nothing lags`)
      : result('unexplained')
  }
  const deleted = deletedBefore(row)
  const all = lagRange(rows, 'records_lag', true)
  if (deleted > 0 && all !== undefined && overlaps(rangeOf(values), all))
    return result('their_deleted_records', `it counts ${deleted} records before the log start, which are gone`)
  if (deleted > 0 && value === 0) return result('their_zero', `it shows 0 because ${deleted} records are gone`)
  if (value < 0 && hasMoved(rows) && -value <= widthOf(lag))
    return result('their_negative', 'its log end was read before the commit')
  return result('unexplained', Number.isNaN(value) ? 'it shows NaN, and there is a position here' : undefined)
}

function deletedBefore({ logStart, position }: OurRow): number {
  return logStart === undefined || position === undefined ? 0 : Math.max(0, logStart - position)
}

function widthOf(range: Range | undefined): number {
  return range === undefined ? 0 : range.most - range.least
}

function comparePositionSum({ partitions }: Known, { number, values, ours, result }: Question): Compared {
  const without = ours.at(-1)! - values.at(-1)!
  const isFit = Number.isInteger(without) && without > 0 && without <= (partitions.get(number.topic ?? '') ?? 0)
  return isFit
    ? result('their_no_commit', `it adds -1 for each of ${without} partitions without a commit`)
    : result('unexplained')
}

function compareMembers({ ours: indexes }: Known, { number, values, ours, found, result }: Question): Compared {
  const consumer = number.consumer ?? ''
  const kind = indexes.at(-1)?.rowsOf({ consumer })[0]?.kind ?? 'classic'
  if (number.value === 0 && kind !== 'classic')
    return result('their_zero', `it cannot see the members of a group of type ${kind}`)
  if (isWithin(values, ours)) return result('moving', 'members come and go')
  if (found.some((value) => value !== undefined)) return result('unexplained')
  return indexes.some(({ numbers }) => numbers.members.has(consumer))
    ? result('missing_here', 'the members are not known')
    : result('unexplained', 'no such consumer here')
}
