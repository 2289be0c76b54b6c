import type { JudgementNumber } from '../model/judgements.ts'
import type { Family } from './families.ts'
import type { Views } from './granularity.ts'
import type { Lines } from './lines.ts'

/** One family of a page: how its lines are written, and which view of the snapshot it has. */
export type TableRow = readonly [
  family: Family,
  lines: Lines,
  /** The level of the family when absent; `log` for the series of topics themselves. */
  view?: keyof Views | undefined,
  /**
   * What its lines are made of and nothing else: `consumers`, the rows, sums and losses of a view; one number of what is
   * thought of them; `topics`, the starts and ends of a view. Where that stays as it is, the lines need not be written
   * again; they always are when absent.
   */
  dependsOn?: 'consumers' | 'topics' | JudgementNumber,
]

/** The view that a family has of a snapshot. */
export function viewOf([{ level }, , view]: TableRow): keyof Views {
  return view ?? (level === 'replica' || level === 'job' ? 'cluster' : level)
}
