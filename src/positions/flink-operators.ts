import type { OperatorLabels } from '../flink/flink-page.ts'
import type { CommittedGauge } from '../model/job-commits.ts'
import { committedOf, positionOf } from './flink-gauges.ts'
import type { FlinkJobView } from './flink-job-view.ts'
import type { JobReadings, LiveReading, ShownAs } from './flink-readings.ts'
import type { ShownTopic, TopicBehind } from './flink-topics.ts'

/** What says of which topic a gauge is. */
export interface BehindRules {
  readonly topicBehind: (shown: ShownTopic) => TopicBehind
  /** Whether a reading is of a topic in this Kafka cluster; `perhaps` when it may also be of another one. */
  readonly isHere: (view: FlinkJobView, label: string | undefined, shown: string) => boolean | 'perhaps'
}

/** One topic as one operator shows it. */
export interface ShownByOperator {
  readonly topic: string
  readonly shownAs: ShownAs
  readonly generation: 'source' | 'legacy'
  readonly kafkaCluster: string | undefined
  /** Where several are, all of them. */
  readonly partitions: Map<number, LiveReading[]>
}

interface Operator {
  readonly labels: OperatorLabels
  readonly topics: Map<string, ShownByOperator>
}

/** The readings by operator and topic; of a DynamicKafkaSource also by cluster. */
export function operatorsOf(live: readonly LiveReading[]): Iterable<Operator> {
  const operators = new Map<string, Operator>()
  for (const one of live) {
    const { operator: labels, topic, generation, kafkaCluster, partition } = one.reading
    let operator = operators.get(labels.operatorId)
    if (operator === undefined) {
      operator = { labels, topics: new Map() }
      operators.set(labels.operatorId, operator)
    }
    const { shownAs } = one
    const key = `${topic} ${shownAs} ${generation} ${kafkaCluster ?? ''}`
    let shown = operator.topics.get(key)
    if (shown === undefined) {
      shown = { topic, shownAs, generation, kafkaCluster, partitions: new Map() }
      operator.topics.set(key, shown)
    }
    const readings = shown.partitions.get(partition)
    if (readings === undefined) shown.partitions.set(partition, [one])
    else readings.push(one)
  }
  return operators.values()
}

/** What stands behind a shown topic, as far as this Kafka cluster is concerned; undefined when it is of another one. */
export function behindOf(
  view: FlinkJobView,
  shown: ShownByOperator,
  readings: JobReadings | undefined,
  { isHere, topicBehind }: BehindRules,
): TopicBehind | undefined {
  const here = isHere(view, shown.kafkaCluster, shown.topic)
  if (here === false) return undefined
  const isLegacy = shown.generation === 'legacy' && shown.shownAs === 'label'
  const behind = topicBehind({
    topic: shown.topic,
    shownAs: shown.shownAs,
    proven: (isLegacy ? readings?.proven.get(shown.topic) : undefined) ?? none,
    isTwoInOne: isLegacy && [...shown.partitions.values()].some(isTwoPlaces),
  })
  if (here === true) return behind
  // Which cluster is meant nobody says: what this one does not have is not of it, and the rest may be of another.
  if (behind.kind !== 'topic') return behind.kind === 'unknown' ? undefined : behind
  return {
    kind: 'ambiguous',
    names: [behind.name],
    how: `${behind.how}, but another Kafka cluster that the job reads may have it too`,
  }
}

const none: ReadonlySet<string> = new Set()

function isTwoPlaces(readings: readonly LiveReading[]): boolean {
  const [first] = readings
  return readings.some(({ reading }) => reading.operator.subtask !== first!.reading.operator.subtask)
}

/**
 * The reading that counts of several of one operator and partition: of the later attempt, and then of the later page,
 * for a partition moves from one subtask to another only when the job is started again. Where that does not tell, the
 * one that says less.
 */
export function latestOf(readings: readonly LiveReading[]): LiveReading | undefined {
  let best: LiveReading | undefined
  for (const one of readings) if (best === undefined || isLater(one, best)) best = one
  return best
}

function isLater(one: LiveReading, other: LiveReading): boolean {
  const order =
    one.reading.operator.attempt - other.reading.operator.attempt ||
    one.page.takenAt - other.page.takenAt ||
    (positionOf(other.reading) ?? -1) - (positionOf(one.reading) ?? -1)
  return order > 0
}

/** What the operator says that it committed on the topic. */
export function* commitsOf(shown: ShownByOperator, behind: TopicBehind): Generator<CommittedGauge> {
  if (behind.kind === 'left_out' || behind.kind === 'unknown') return
  const topics = behind.kind === 'topic' ? [behind.name] : behind.names
  for (const [partition, readings] of shown.partitions) {
    const from = latestOf(readings)
    const offset = from === undefined ? undefined : committedOf(from.reading)
    if (from === undefined || offset === undefined) continue
    yield { topics, partition, offset, sentAt: from.page.sentAt, takenAt: from.page.takenAt }
  }
}
