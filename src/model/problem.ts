import type { Reason } from './reason.ts'

/** Something that could not be read, with its reason; never silently left out. */
export interface Problem {
  readonly reason: Reason
  /** One sentence for people: what was tried, on what, what came back. */
  readonly message: string
  /** The consumer of whom nothing is known in this cycle; absent when the problem is not about one consumer. */
  readonly consumer?: string
  readonly topic?: string
  readonly broker?: string
}
