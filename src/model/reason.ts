/** Why a number is missing or not fully trusted. A closed list; its order is the code in columns, so append only. */
export const reasons = [
  'no_position',
  'position_beyond_end',
  'topic_recreated',
  'truncated',
  'topic_deleted',
  'end_unknown',
  'coordinator_loading',
  'unauthorized',
  'unsupported',
  'ambiguous_topic',
  'incomplete',
  'read_failed',
  'timeout',
  'stale',
  'control_records_suspected',
  'dropped',
  'control_records',
] as const

export type Reason = (typeof reasons)[number]

/** In a reason column 0 means "known"; reason n of the list has code n + 1. */
export const KNOWN = 0

/** The code of a reason in a Uint8Array column, 1 and up. */
export function reasonCode(reason: Reason): number {
  return codes.get(reason)!
}

/** The reason behind a code; undefined for 0, which means known. */
export function reasonOf(code: number): Reason | undefined {
  return code === KNOWN ? undefined : reasons[code - 1]
}

const codes: ReadonlyMap<Reason, number> = new Map(reasons.map((reason, index) => [reason, index + 1]))

/** True when the broker's word is final: nothing from an earlier cycle may be shown in its place (I2). */
export function isDefinitive(reason: Reason): boolean {
  return definitive.has(reason)
}

const definitive: ReadonlySet<Reason> = new Set<Reason>([
  'no_position',
  'position_beyond_end',
  'topic_recreated',
  'truncated',
  'topic_deleted',
  'unauthorized',
  'unsupported',
  'ambiguous_topic',
  'dropped',
])
