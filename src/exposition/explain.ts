import type { Evidence } from '../model/evidence.ts'
import type { LagRow } from '../model/lag-row.ts'
import { type LogOffsetColumn, NO_ANSWER } from '../model/log-offsets.ts'
import { rowState, type Snapshot } from '../model/snapshot.ts'
import { isoTime, rowWords } from './json-row.ts'
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
  /** The reason as a sentence; absent when nothing is missing. */
  readonly why: string | undefined
  readonly requests: {
    readonly log_start: readonly ExplainedRequest[]
    readonly position: readonly ExplainedRequest[]
    readonly log_end: readonly ExplainedRequest[]
    /** Only where the view was asked for. */
    readonly last_stable_offset?: readonly ExplainedRequest[]
  }
}

/**
 * Explains a row of a snapshot by the requests of its cycle. For a held row these are the requests that did not bring a
 * whole row, not those of the cycle in which it was taken.
 */
export function explain(snapshot: Snapshot, row: LagRow): Explanation {
  const topic = snapshot.catalog.topics[snapshot.catalog.topicIndex.get(row.topic) ?? -1]
  const logRow = topic === undefined || row.partition >= topic.partitions ? -1 : topic.firstRow + row.partition
  const requests = (evidence: readonly Evidence[]) => evidence.map((one) => explainRequest(snapshot, one))
  return {
    row: rowWords(row),
    state: rowState(row.part, row.row),
    cycle: snapshot.cycle,
    cycle_ended: isoTime(snapshot.takenAtWall),
    arithmetic: arithmetic(row),
    why: row.reason === undefined ? undefined : reasonText[row.reason],
    requests: {
      log_start: requests(answerOf(snapshot.starts, logRow)),
      position: requests(row.part.batch.evidence),
      log_end: requests(answerOf(snapshot.ends, logRow)),
      ...(snapshot.views?.stable === undefined
        ? {}
        : { last_stable_offset: requests(answerOf(snapshot.views.stable, logRow)) }),
    },
  }
}

function answerOf(column: LogOffsetColumn, row: number): readonly Evidence[] {
  const answer = row < 0 ? NO_ANSWER : column.answer[row]!
  const found = answer === NO_ANSWER ? undefined : column.evidence[answer]
  return found === undefined ? [] : [found]
}

function explainRequest(snapshot: Snapshot, evidence: Evidence): ExplainedRequest {
  const { from, api, version, correlation, sentAt, receivedAt, code } = evidence
  const wall = (monotonic: number): string => isoTime(snapshot.takenAtWall - (snapshot.takenAt - monotonic))
  return { from, api, version, correlation, sent: wall(sentAt), received: wall(receivedAt), code }
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

function missing({ position, logStartOffset, logEndOffset }: LagRow): string[] {
  return [
    ...(position === undefined ? ['position unknown'] : []),
    ...(logStartOffset === undefined ? ['log start unknown'] : []),
    ...(logEndOffset === undefined ? ['log end unknown'] : []),
  ]
}
