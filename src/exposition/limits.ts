import { CONSUMER, type ConsumerLevels, NOTHING, PARTITION, TOPIC } from './granularity.ts'
import type { Sizes } from './limits-size.ts'
import type { OrderedSnapshot } from './lines.ts'
import { byName, sortInSteps } from './sort-in-steps.ts'

/** Most series that are printed, so that new names of groups and topics cannot take the memory of Prometheus. */
export interface SeriesLimits {
  /** Of one Kafka cluster. */
  readonly perKafkaCluster: number
  /** On one page. */
  readonly perPage: number
}

/** Why series were left out: a value of the label `reason`. */
export type LimitReason = 'kafka_cluster_limit' | 'page_limit'

/** One cluster while it is made to fit; `levels.level` and `leftOut` are written. */
export interface Fitting {
  readonly view: OrderedSnapshot
  readonly levels: ConsumerLevels
  readonly sizes: Sizes
  /** 1 for each topic of the catalog whose own series are not printed. */
  readonly leftOut: Uint8Array
}

/** How many series are printed as things stand. */
export function seriesOf({ levels, sizes, leftOut }: Fitting): number {
  let series = sizes.fixed
  for (let at = 0; at < levels.level.length; at++) series += sizeAt(sizes, at, levels.level[at]!)
  for (let topic = 0; topic < leftOut.length; topic++) if (leftOut[topic] === 0) series += sizes.topic[topic]!
  return series
}

/**
 * Prints less until at most `most` series are left, and returns how many were left out. What costs least to miss goes
 * first, the largest of it before the smaller, equals by name: log offsets of topics that nobody reads, partitions of
 * consumers, topics of consumers, log offsets, and at last whole consumers, those without live members before the
 * others. The same snapshot gives the same result on every replica. Sums are not touched: they are of all partitions
 * whether these are printed or not.
 */
export function* fit(fitting: Fitting, most: number): Generator<void, number, void> {
  const before = seriesOf(fitting)
  let series = before
  for (const step of [unreadTopics, partitions, topics, readTopics, consumers]) {
    if (series <= most) break
    for (const { index, saved } of yield* step(fitting)) {
      if (series <= most) break
      take(step, fitting, index)
      series -= saved
    }
    yield
  }
  return before - series
}

/**
 * The most that each cluster may keep when all together may have `most`: the small ones all they have, the large ones
 * the same share of the rest.
 */
export function shares(sizes: readonly number[], most: number): readonly number[] {
  let rest = most
  let ceiling = most
  for (const [index, size] of sizes.toSorted((a, b) => a - b).entries()) {
    ceiling = Math.floor(rest / (sizes.length - index))
    if (size > ceiling) return sizes.map((one) => Math.min(one, ceiling))
    rest -= size
  }
  return sizes
}

interface Candidate {
  readonly index: number
  readonly saved: number
  readonly name: string
  readonly hasMembers: boolean
}

type Step = (fitting: Fitting) => Generator<void, readonly Candidate[], void>

function take(step: Step, { levels, leftOut }: Fitting, index: number): void {
  if (step === unreadTopics || step === readTopics) leftOut[index] = 1
  else levels.level[index] = step === partitions ? TOPIC : step === topics ? CONSUMER : NOTHING
}

const unreadTopics: Step = (fitting) => topicCandidates(fitting, 0)
const readTopics: Step = (fitting) => topicCandidates(fitting, 1)
const partitions: Step = (fitting) => consumerCandidates(fitting, PARTITION)
const topics: Step = (fitting) => consumerCandidates(fitting, TOPIC)
const consumers: Step = (fitting) => consumerCandidates(fitting, CONSUMER)

function* topicCandidates(
  { view, sizes, leftOut }: Fitting,
  isRead: number,
): Generator<void, readonly Candidate[], void> {
  const found: Candidate[] = []
  for (const [index, { name }] of view.snapshot.catalog.topics.entries()) {
    const saved = sizes.topic[index]!
    if (sizes.isRead[index] === isRead && leftOut[index] === 0 && saved > 0)
      found.push({ index, saved, name, hasMembers: false })
    if (index % STEP === STEP - 1) yield
  }
  return yield* sortInSteps(found, bySize)
}

function* consumerCandidates(
  { view, levels, sizes }: Fitting,
  level: number,
): Generator<void, readonly Candidate[], void> {
  const found: Candidate[] = []
  for (const [index, name] of levels.names.entries()) {
    const saved = sizeAt(sizes, index, level) - sizeAt(sizes, index, level + 1)
    const total = view.snapshot.consumers[levels.total[index]!]
    if (levels.level[index] === level && saved > 0)
      found.push({ index, saved, name, hasMembers: (total?.consumer.members ?? 0) > 0 })
    if (index % STEP === STEP - 1) yield
  }
  return yield* sortInSteps(found, level === CONSUMER ? byMembers : bySize)
}

const STEP = 4096

function sizeAt(sizes: Sizes, index: number, level: number): number {
  return level >= NOTHING ? 0 : sizes.consumer[index * 3 + level]!
}

function bySize(a: Candidate, b: Candidate): number {
  return b.saved - a.saved || byName(a.name, b.name)
}

/** The last of the names goes first, so that who was printed stays when others come behind him. */
function byMembers(a: Candidate, b: Candidate): number {
  return Number(a.hasMembers) - Number(b.hasMembers) || byName(b.name, a.name)
}
