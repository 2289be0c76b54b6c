import { topicNamed } from '../model/catalog.ts'
import type { Evidence } from '../model/evidence.ts'
import { judgementAt } from '../model/judgements.ts'
import type { LagRow } from '../model/lag-row.ts'
import { type LogOffsetColumn, NO_ANSWER } from '../model/log-offsets.ts'
import type { GaugeTrace, PositionTrace } from '../model/position-trace.ts'
import { rowState, type Snapshot } from '../model/snapshot.ts'
import type { TimeLagSource } from '../model/time-lag.ts'
import { isoTime, rowWords } from './json-row.ts'
import { judgementWords } from './judgement-words.ts'
import { reasonText } from './reason-text.ts'

/** One request in JSON's words, with times of the wall clock. */
interface ExplainedRequest {
  readonly from: string
  readonly api: string
  readonly version: number
  readonly correlation: number
  readonly sent: string
  readonly received: string
  readonly code: number
}

/** Where each number of a row comes from, and why one is missing; to be printed with `jsonText`. */
export interface Explanation {
  readonly row: ReturnType<typeof rowWords>
  /** `known`, `held`, or the reason. */
  readonly state: string
  readonly cycle: number
  readonly cycle_ended: string
  /** The calculation in words. */
  readonly arithmetic: string
  /** How the time lag was made out, in words; absent when it is not known. */
  readonly time_lag: string | undefined
  /** What is thought of the consumer on the topic; absent when nobody judges. */
  readonly judgement: object | undefined
  /** The reason as a sentence; absent when nothing is missing. */
  readonly why: string | undefined
  readonly requests: {
    readonly log_start: readonly ExplainedRequest[]
    readonly position: readonly ExplainedRequest[]
    readonly log_end: readonly ExplainedRequest[]
    /** Only where the view was asked for. */
    readonly last_stable_offset?: readonly ExplainedRequest[]
  }
  /** Only of a Flink job. */
  readonly flink?: ExplainedJob
}

/** How the position of a Flink job was made out, in JSON's words. */
interface ExplainedJob {
  readonly flink_cluster: string
  readonly job_manager: string | undefined
  readonly job_id: string | undefined
  readonly application_id: string | undefined
  readonly state: string | undefined
  readonly topic_name: string | undefined
  readonly gauges: readonly ExplainedGauge[]
  readonly commits: PositionTrace['commits']
  readonly verdict: string
}

interface ExplainedGauge {
  readonly page: string
  readonly sent: string
  readonly received: string
  readonly vertex: string
  readonly operator: string
  readonly operator_name: string
  readonly subtask: number
  readonly attempt: number
  readonly current: GaugeTrace['current']
  readonly committed: GaugeTrace['committed']
  readonly position: number | undefined
  readonly verdict: string
}

/**
 * Explains a row of a snapshot by the requests of its cycle. For a held row these are the requests that did not bring a
 * whole row, not those of the cycle in which it was taken.
 *
 * @param trace how the position came to be, of a Flink job; of its pages then only those are told that have to do with it
 */
export function explain(snapshot: Snapshot, row: LagRow, trace?: PositionTrace): Explanation {
  const topic = topicNamed(snapshot.catalog, row.topic)
  const logRow = topic === undefined || row.partition >= topic.partitions ? -1 : topic.firstRow + row.partition
  const requests = (evidence: readonly Evidence[]) => evidence.map((one) => explainRequest(snapshot, one))
  return {
    row: rowWords(row),
    state: rowState(row.part, row.row),
    cycle: snapshot.cycle,
    cycle_ended: isoTime(snapshot.takenAtWall),
    arithmetic: arithmetic(row),
    time_lag: timeLagText(snapshot, row),
    judgement: judgementOf(snapshot, row),
    why: row.reason === undefined ? undefined : reasonText[row.reason],
    requests: {
      log_start: requests(answerOf(snapshot.starts, logRow)),
      position: requests(evidenceOf(row, trace)),
      log_end: requests(answerOf(snapshot.ends, logRow)),
      ...(snapshot.views?.stable === undefined
        ? {}
        : { last_stable_offset: requests(answerOf(snapshot.views.stable, logRow)) }),
    },
    ...(trace === undefined ? {} : { flink: explainJob(snapshot, trace) }),
  }
}

function evidenceOf(row: LagRow, trace: PositionTrace | undefined): readonly Evidence[] {
  const { evidence } = row.part.batch
  if (trace === undefined) return evidence
  const pages = new Set(trace.gauges.map(({ page }) => page))
  return evidence.filter(({ from, api }) => api !== 'GET' || pages.has(from))
}

function explainJob(snapshot: Snapshot, trace: PositionTrace): ExplainedJob {
  return {
    flink_cluster: trace.flinkCluster,
    job_manager: trace.jobManager,
    job_id: trace.jobId,
    application_id: trace.applicationId,
    state: trace.state,
    topic_name: trace.topicName,
    gauges: trace.gauges.map((gauge) => ({
      page: gauge.page,
      sent: wallTime(snapshot, gauge.sentAt),
      received: wallTime(snapshot, gauge.takenAt),
      vertex: gauge.vertex,
      operator: gauge.operator,
      operator_name: gauge.operatorName,
      subtask: gauge.subtask,
      attempt: gauge.attempt,
      current: gauge.current,
      committed: gauge.committed,
      position: gauge.position,
      verdict: gauge.verdict,
    })),
    commits: trace.commits,
    verdict: trace.verdict,
  }
}

function answerOf(column: LogOffsetColumn, row: number): readonly Evidence[] {
  const answer = row < 0 ? NO_ANSWER : column.answer[row]!
  const found = answer === NO_ANSWER ? undefined : column.evidence[answer]
  return found === undefined ? [] : [found]
}

function explainRequest(snapshot: Snapshot, evidence: Evidence): ExplainedRequest {
  const { from, api, version, correlation, sentAt, receivedAt, code } = evidence
  const [sent, received] = [wallTime(snapshot, sentAt), wallTime(snapshot, receivedAt)]
  return { from, api, version, correlation, sent, received, code }
}

/** A moment of the monotonic clock on the wall clock, as it stood when the snapshot was taken. */
function wallTime(snapshot: Snapshot, monotonic: number): string {
  return isoTime(snapshot.takenAtWall - (snapshot.takenAt - monotonic))
}

function arithmetic(row: LagRow): string {
  const { position, logStartOffset: start, logEndOffset: end, recordsLag: lag } = row
  const when = row.takenAt === undefined ? '' : `, held from ${isoTime(row.takenAt)}`
  if (lag === undefined) return `no lag: ${missing(row).join(', ') || (row.reason ?? 'unknown')}`
  if (row.part.batch.holds === 'lag') return `records lag ${lag}, as the broker gave it${when}`
  if (position === undefined) return `log start ${start} = log end ${end}: nothing to read, records lag ${lag}${when}`
  if (row.reason === 'control_records')
    return `log end ${end} - position ${position} = ${(end ?? position) - position}, and all of them are ends of transactions: records lag ${lag}${when}`
  if (start !== undefined && position < start)
    return `log end ${end} - log start ${start} = records lag ${lag}; the records from position ${position} to ${start} are gone${when}`
  return `log end ${end} - position ${position} = records lag ${lag}${when}`
}

const sourceText: Readonly<Record<TimeLagSource, string>> = {
  log_ends: 'two log ends that were seen, one at or below the position and one above it',
  timestamps: 'the timestamp that the log gave for the position',
  record: 'the timestamp of the record at the position',
}

function timeLagText({ takenAtWall }: Snapshot, { timeLag, takenAt }: LagRow): string | undefined {
  if (timeLag === undefined) return undefined
  const { seconds, uncertainty, source } = timeLag
  if (seconds === 0 && uncertainty === 0) return 'nothing to read: 0'
  const at = takenAt ?? takenAtWall
  const [from, to] = [at - (seconds + uncertainty) * 1_000, at - Math.max(0, seconds - uncertainty) * 1_000]
  return `the log end passed the position between ${isoTime(from)} and ${isoTime(to)}, by ${sourceText[source]}`
}

function judgementOf({ kafkaCluster, objectives }: Snapshot, row: LagRow): object | undefined {
  const { batch, blockComplete, blockLag, judgements } = row.part
  const block = batch.blockFirst.findLastIndex((first) => first <= row.row)
  if (judgements === undefined) return undefined
  const promised = objectives.filter(({ consumer, topic }) => consumer === row.consumer && topic === row.topic)
  const lag = blockComplete[block] === 1 ? blockLag[block] : undefined
  return judgementWords(
    kafkaCluster,
    { name: row.consumer, kind: row.kind },
    row.topic,
    judgementAt(judgements, block),
    lag,
    promised,
  )
}

function missing({ position, logStartOffset, logEndOffset }: LagRow): string[] {
  return [
    ...(position === undefined ? ['position unknown'] : []),
    ...(logStartOffset === undefined ? ['log start unknown'] : []),
    ...(logEndOffset === undefined ? ['log end unknown'] : []),
  ]
}
