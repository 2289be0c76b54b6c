import type { LagRow } from '../model/lag-row.ts'
import type { TimeLag } from '../model/time-lag.ts'

/**
 * One row as JSON text without a newline, in the words that the API and the command line share. What is unknown is left
 * out, a held row says when it was taken, and offsets are JSON integers with all their digits, also above 2^53.
 */
export function jsonRow(row: LagRow): string {
  return jsonText(rowWords(row))
}

/** The members of a row in JSON's words; what is undefined is unknown. */
export function rowWords(row: LagRow): Readonly<Record<string, string | number | bigint | undefined>> {
  return {
    kafka_cluster: row.kafkaCluster,
    consumer: row.consumer,
    kind: row.kind,
    topic: row.topic,
    partition: row.partition,
    position: row.position,
    log_start_offset: row.logStartOffset,
    log_end_offset: row.logEndOffset,
    records_lag: row.recordsLag,
    ...timeLagWords(row.timeLag),
    last_stable_offset: row.lastStableOffset,
    read_committed_records_lag: row.readCommittedRecordsLag,
    cold_records: row.coldRecords,
    lag_bytes: row.lagBytes,
    reason: row.reason,
    taken_at: row.takenAt === undefined ? undefined : isoTime(row.takenAt),
  }
}

/** A time lag in JSON's words. */
export function timeLagWords(timeLag: TimeLag | undefined): {
  readonly time_lag_seconds: number | undefined
  readonly time_lag_uncertainty_seconds: number | undefined
  readonly time_lag_source: string | undefined
} {
  return {
    time_lag_seconds: thousandths(timeLag?.seconds),
    time_lag_uncertainty_seconds: thousandths(timeLag?.uncertainty),
    time_lag_source: timeLag === undefined || timeLag.seconds === 0 ? undefined : timeLag.source,
  }
}

/** Three places behind the point say more than is known of a measured number. */
export function thousandths(value: number): number
export function thousandths(value: number | undefined): number | undefined
export function thousandths(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 1_000) / 1_000
}

/** JSON text with bigints as integers; members that are undefined are left out. */
export function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members: string[] = []
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${jsonText(member)}`)
  }
  return `{${members.join(',')}}`
}

/** Milliseconds of the wall clock as ISO 8601 in UTC. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
