export const severities = ['info', 'warning', 'critical'] as const
type Severity = (typeof severities)[number]

/** The lag somebody promised for a consumer on a topic: the effective value, one per severity. */
export interface Objective {
  readonly consumer: string
  readonly topic: string
  readonly records: number
  readonly owner: string
  readonly severity: Severity
}
