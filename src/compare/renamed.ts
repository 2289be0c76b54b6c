import { consumerName } from '../model/consumer.ts'
import type { Compared } from './known.ts'
import { type OurNumbers, partitionKey, rangeOf } from './ours.ts'
import type { TheirNumber, TheirNumbers } from './their.ts'

/** Their numbers under our names of consumers, and the consumers that have another name there. */
interface Renamed {
  readonly renamed: readonly Compared[]
  readonly numbers: readonly TheirNumbers[]
}

/**
 * Finds consumers that only the name tells apart: one that only they have and one that only we have, with positions on
 * the same partitions that are the same or overlap over the readings. Two that fit are no match.
 */
export function withOurNames(theirs: readonly TheirNumbers[], ours: readonly OurNumbers[]): Renamed {
  const there = positionsThere(theirs)
  const here = positionsHere(ours)
  const strangers = [...there.keys()].filter((name) => !here.has(name))
  const alone = [...here.keys()].filter((name) => !there.has(name))
  const names = new Map<string, string>()
  for (const stranger of strangers.length * alone.length > MOST_PAIRS ? [] : strangers) {
    const fitting = alone.filter((name) => isSame(there.get(stranger)!, here.get(name)!))
    const rivals = strangers.filter((other) => fitting.some((name) => isSame(there.get(other)!, here.get(name)!)))
    if (fitting.length === 1 && rivals.length === 1) names.set(stranger, fitting[0]!)
  }
  const empty = consumerName('')
  const isEmptyThere = theirs.some(({ numbers }) => [...numbers.values()].some(({ consumer }) => consumer === empty))
  const renamed = [...names].map(([from, to]) => renamedTo(to, `it is "${from}" there, with the same positions`))
  if (isEmptyThere) renamed.push(renamedTo(empty, 'the group with the empty name has an empty label there'))
  return { renamed, numbers: names.size === 0 ? theirs : theirs.map((reading) => rename(reading, names)) }
}

/** More strangers than that are no renaming but another cluster or a filter. */
const MOST_PAIRS = 1_000_000

function renamedTo(consumer: string, why: string): Compared {
  return { difference: 'renamed', quantity: 'consumer', consumer, why }
}

/** Positions of a consumer by partition, reading by reading. */
type Positions = ReadonlyMap<string, readonly number[]>

function positionsThere(theirs: readonly TheirNumbers[]): ReadonlyMap<string, Positions> {
  const found = new Map<string, Map<string, number[]>>()
  for (const { numbers } of theirs) {
    for (const { quantity, consumer, topic, partition, value } of numbers.values()) {
      if (consumer === undefined) continue
      const known = found.get(consumer) ?? new Map<string, number[]>()
      found.set(consumer, known)
      if (quantity === 'position' && topic !== undefined && partition !== undefined && value >= 0)
        append(known, partitionKey(topic, partition), value)
    }
  }
  return found
}

function positionsHere(ours: readonly OurNumbers[]): ReadonlyMap<string, Positions> {
  const found = new Map<string, Map<string, number[]>>()
  for (const { rows, members } of ours) {
    for (const consumer of members.keys()) if (!found.has(consumer)) found.set(consumer, new Map())
    for (const { consumer, topic, partition, position } of rows) {
      const known = found.get(consumer) ?? new Map<string, number[]>()
      found.set(consumer, known)
      if (position !== undefined) append(known, partitionKey(topic, partition), position)
    }
  }
  return found
}

function append(positions: Map<string, number[]>, key: string, value: number): void {
  positions.set(key, [...(positions.get(key) ?? []), value])
}

function isSame(one: Positions, other: Positions): boolean {
  if (one.size === 0 || one.size !== other.size) return false
  let isAnyRead = false
  for (const [key, values] of one) {
    const [mine, theirs] = [rangeOf(values), rangeOf(other.get(key) ?? [])]
    if (mine === undefined || theirs === undefined) return false
    if (mine.most < theirs.least || theirs.most < mine.least) return false
    isAnyRead ||= mine.most > 0
  }
  return isAnyRead
}

function rename(reading: TheirNumbers, names: ReadonlyMap<string, string>): TheirNumbers {
  const ours = (number: TheirNumber): TheirNumber => {
    const name = number.consumer === undefined ? undefined : names.get(number.consumer)
    return name === undefined ? number : { ...number, consumer: name }
  }
  return { ...reading, numbers: new Map([...reading.numbers].map(([key, number]) => [key, ours(number)])) }
}
