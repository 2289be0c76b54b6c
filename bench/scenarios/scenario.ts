import type { Behaviour } from './track.ts'

/** What should come of a scenario. Seconds of the run; `within` counts from `from`. */
export type Expected =
  | { readonly kind: 'silence' }
  | {
      /** `page`: critical; `ticket`: warning or critical. */
      readonly kind: 'page' | 'ticket'
      /** From when on somebody should be told: an alert before that is false. */
      readonly from: number
      readonly within: number
      /** It must have been firing so many minutes by the end of the run. */
      readonly lasts?: number
    }

/** One consumer of one topic, both named by `id`. */
export interface Scenario {
  readonly id: string
  readonly what: string
  readonly expected: Expected
  readonly behaviour: Behaviour
  /** Default 1. All partitions behave alike, but for `stuck`. */
  readonly partitions?: number
  /** The last partition is not read any more from this second on. */
  readonly stuckFrom?: number
  /** Consumers of Flink's kind have none. */
  readonly hasMembers?: boolean
  /** At this second the group is deleted with its offsets. */
  readonly vanishesAt?: number
  /** The time lag that its owner promised, with severity critical. */
  readonly objectiveSeconds?: number
}
