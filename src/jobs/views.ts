import type { JobView } from '../model/job-view.ts'
import type { JobFacts } from './facts.ts'
import { figuresOf } from './figures.ts'
import type { Inventory, JobEntry } from './inventory.ts'
import { examine, type KnownFindings, settled } from './settle.ts'

/** What is remembered of the findings of all jobs, by the key of the inventory. */
export type FindingMemory = ReadonlyMap<string, KnownFindings>

export interface JobViews {
  /** By Flink cluster and label. */
  readonly views: readonly JobView[]
  readonly memory: FindingMemory
}

/**
 * Every known job as it is shown, in short steps. Findings and figures are of jobs that are there: whoever is gone
 * has none.
 *
 * @param factsOf undefined where nothing is known but the inventory
 * @param now milliseconds of the wall clock
 */
export function* jobViews(
  inventory: Inventory,
  factsOf: (entry: JobEntry) => JobFacts | undefined,
  before: FindingMemory,
  now: number,
): Generator<void, JobViews, void> {
  const views: JobView[] = []
  const memory = new Map<string, KnownFindings>()
  for (const [key, entry] of inventory) {
    const facts = entry.present === true ? factsOf(entry) : undefined
    const known = facts === undefined ? undefined : yield* examine(facts, before.get(key) ?? new Map())
    if (known !== undefined && known.size > 0) memory.set(key, known)
    const { flinkCluster, label, name, job, present, expectedRunning, restarts } = entry
    views.push({
      flinkCluster,
      label,
      name,
      ...(job === undefined ? {} : { job }),
      ...(present === undefined ? {} : { present }),
      expectedRunning,
      ...(restarts?.total === undefined ? {} : { restarts: restarts.total }),
      groups: facts?.groups ?? [],
      ...(facts?.judged === undefined ? {} : { judged: facts.judged }),
      ...(facts === undefined ? { sources: [] } : figuresOf(facts)),
      findings: known === undefined ? [] : settled(known, now),
    })
    yield
  }
  return { views: views.sort(byLabel), memory }
}

function byLabel(a: JobView, b: JobView): number {
  return compare(a.flinkCluster, b.flinkCluster) || compare(a.label, b.label)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
