import type { Family } from './families.ts'
import type { Views } from './granularity.ts'
import type { Lines } from './lines.ts'

/** One family of a page: how its lines are written, and which view of the snapshot it has. */
export type TableRow = readonly [
  family: Family,
  lines: Lines,
  /** The level of the family when absent; `log` for the series of topics themselves. */
  view?: keyof Views,
]

/** The view that a family has of a snapshot. */
export function viewOf([{ level }, , view]: TableRow): keyof Views {
  return view ?? (level === 'replica' ? 'cluster' : level)
}
