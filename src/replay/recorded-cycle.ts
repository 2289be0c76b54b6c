import type { CycleRead } from '../collect/snapshot-maker.ts'
import type { Problem } from '../model/problem.ts'

/** What a recording keeps of a cycle. Read from a file its times are whole milliseconds since the recording began. */
export interface RecordedCycle extends CycleRead {
  /** 1 for the first cycle. */
  readonly cycle: number
  /** When all had been read, and the same by the wall clock. */
  readonly takenAt: number
  readonly wall: number
  /** Those that no source had. */
  readonly problems: readonly Problem[]
}

/** What a recording says of itself. */
export interface RecordingHead {
  readonly kafkaCluster: string
  readonly intervalMs: number
  /** Milliseconds of the wall clock. */
  readonly startedAt: number
  /** Version of Lagkeeper. */
  readonly recordedBy: string
}

/** A hostile file must not make us allocate what it does not have. */
export const most = {
  texts: 5_000_000,
  topics: 1_000_000,
  partitions: 1_000_000,
  rows: 20_000_000,
  batches: 100_000,
  blocks: 5_000_000,
  answers: 0xfffe,
  problems: 1_000_000,
  /** The year 2100. */
  wall: 4_102_444_800_000,
} as const

/** Names the answers of a column whatever their order is: by who gave them, and which of several it is. */
export function answerNames(evidence: readonly { readonly from: string }[]): readonly string[] {
  const seen = new Map<string, number>()
  return evidence.map(({ from }) => {
    const nth = seen.get(from) ?? 0
    seen.set(from, nth + 1)
    return nth === 0 ? from : `${from} ${nth + 1}`
  })
}
