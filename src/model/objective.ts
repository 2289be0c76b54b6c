export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

/** What may be promised: at least one of them is. */
export interface Promised {
  /** Largest sum over the partitions of the topic. */
  readonly records?: number
  /** Largest time lag of any partition of the topic. */
  readonly seconds?: number
}

/** The lag somebody promised for a consumer on a topic: the values that hold now, one objective per severity. */
export interface Objective extends Promised {
  readonly consumer: string
  readonly topic: string
  readonly owner: string
  readonly severity: Severity
}
