import type { Job } from '../model/job.ts'
import { hasEnded } from '../model/job-view.ts'
import { otherLabels, printedName } from './label.ts'
import { countRestarts, type RestartCount } from './restarts.ts'

/** A job that is known, whether it runs or not. */
export interface JobEntry {
  readonly flinkCluster: string
  readonly label: string
  readonly name: string
  /** As it was last read; absent for one that is only expected. */
  readonly job?: Job
  /** Its JobManager lists it, and it has not ended; absent while that is not known. */
  readonly present?: boolean
  readonly expectedRunning: boolean
  readonly restarts?: RestartCount
  /** Labels of the other jobs that run under the same name. */
  readonly namesakes: readonly string[]
  /** Monotonic milliseconds at which its JobManager listed it last. */
  readonly listedAt?: number
}

/** All jobs that are known, by Flink cluster and label; replaced whole. */
export type Inventory = ReadonlyMap<string, JobEntry>

/** What the configuration says about jobs. */
export interface InventoryRules {
  /** Whether a job should run; undefined when nothing is said about it, which means: if it ran, it should go on. */
  readonly expects: (flinkCluster: string, name: string) => boolean | undefined
  /** Jobs that are known before they were ever seen, and for ever. */
  readonly named: readonly { readonly flinkCluster: string; readonly name: string }[]
  /** What was seen of a Flink cluster that nobody looks at any more is forgotten: its jobs are not missed. */
  readonly isConfigured: (flinkCluster: string) => boolean
  /** The Flink cluster has been looked at completely at least once, so that what is not listed is not there. */
  readonly isRead: (flinkCluster: string) => boolean
  /** After so long without an answer of its JobManager it is not known whether a job runs. */
  readonly staleAfterMs: number
  /** How long a job that is gone stays known. */
  readonly keepMs: number
  /** Most jobs that are gone; those that were seen last stay. */
  readonly mostGone: number
}

export const inventoryDefaults = { staleAfterMs: 90_000, keepMs: 86_400_000, mostGone: 10_000 } as const

/** Names of Flink clusters are configured and have no such character. */
export function inventoryKey(flinkCluster: string, label: string): string {
  return `${flinkCluster}\0${label}`
}

/**
 * The jobs that are known after one more look. An entry is a name in a Flink cluster, and so outlives runs: another
 * attempt, another job id or another application of the same name goes on under it. Where a name runs twice, the newest
 * run has it; the others are `<name>@<application>` or `<name>@<job id>` for as long as they run. In short steps.
 *
 * @param jobs everything that JobManagers listed when they last answered
 * @param now monotonic milliseconds
 */
export function* takeInventory(
  jobs: readonly Job[],
  before: Inventory,
  now: number,
  rules: InventoryRules,
): Generator<void, Inventory, void> {
  const groups = yield* byName(jobs, now - rules.staleAfterMs)
  const labels = yield* labelsOf(groups)
  const named = new Set(rules.named.map(({ flinkCluster, name }) => inventoryKey(flinkCluster, printedName(name))))
  const entries = new Map<string, JobEntry>()
  for (const [index, group] of groups.entries()) {
    if (index % STEP === STEP - 1) yield
    for (const job of group) {
      const label = labels.get(job)!
      const key = inventoryKey(job.flinkCluster, label)
      const present = hasEnded(job) ? false : now - job.takenAt > rules.staleAfterMs ? undefined : true
      entries.set(key, {
        flinkCluster: job.flinkCluster,
        label,
        name: job.name,
        job,
        ...(present === undefined ? {} : { present }),
        expectedRunning: expectation(job, named.has(key), rules),
        restarts: countRestarts(before.get(key)?.restarts, job),
        namesakes: group.filter((other) => other !== job).map((other) => labels.get(other)!),
        listedAt: now,
      })
    }
  }
  for (const [key, entry] of yield* stillKnown(before, entries, named, now, rules)) {
    const expectedRunning = entry.job === undefined || expectation(entry.job, named.has(key), rules)
    entries.set(key, { ...entry, present: false, expectedRunning, namesakes: [] })
  }
  for (const { flinkCluster, name } of rules.named) {
    const label = printedName(name)
    const key = inventoryKey(flinkCluster, label)
    if (entries.has(key)) continue
    const present = rules.isRead(flinkCluster) ? { present: false } : {}
    entries.set(key, { flinkCluster, label, name, ...present, expectedRunning: true, namesakes: [] })
  }
  return entries
}

/** So many jobs are looked at in one step. */
const STEP = 256

/** Jobs of one name in one Flink cluster, the one that has the name first: running ones, or the last that ended. */
function* byName(jobs: readonly Job[], staleBefore: number): Generator<void, readonly (readonly Job[])[], void> {
  const groups = new Map<string, Job[]>()
  for (const [index, job] of jobs.entries()) {
    if (index % STEP === STEP - 1) yield
    const key = inventoryKey(job.flinkCluster, job.name)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [job])
    else group.push(job)
  }
  return [...groups.values()].map((group) => {
    const newest = group.length === 1 ? group : group.toSorted(newestFirst)
    const running = newest.filter((job) => !hasEnded(job))
    // One whose JobManager is silent is no twin of one that surely runs: rather what that one replaced.
    const surely = running.filter(({ takenAt }) => takenAt >= staleBefore)
    return surely.length > 0 ? surely : running.length > 0 ? running : newest.slice(0, 1)
  })
}

function newestFirst(a: Job, b: Job): number {
  return b.startedAt - a.startedAt || compare(b.application?.id ?? '', a.application?.id ?? '') || compare(b.id, a.id)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Those who have their names get them first, so that no made label is in the way of a name. */
function* labelsOf(groups: readonly (readonly Job[])[]): Generator<void, ReadonlyMap<Job, string>, void> {
  const labels = new Map<Job, string>()
  const taken = new Set<string>()
  function give(job: Job, label: string): boolean {
    const key = inventoryKey(job.flinkCluster, label)
    if (taken.has(key)) return false
    taken.add(key)
    labels.set(job, label)
    return true
  }
  const others: Job[] = []
  for (const [index, [holder, ...rest]] of groups.entries()) {
    if (index % STEP === STEP - 1) yield
    if (holder !== undefined && !give(holder, printedName(holder.name))) others.push(holder)
    others.push(...rest)
  }
  for (const [index, job] of others.entries()) {
    if (index % STEP === STEP - 1) yield
    for (const label of otherLabels(job)) if (give(job, label)) break
  }
  return labels
}

/** Nobody misses a job that came to its end or was cancelled. */
function expectation(job: Job, isNamed: boolean, { expects }: InventoryRules): boolean {
  return expects(job.flinkCluster, job.name) ?? (isNamed || !deliberate.has(job.state))
}

const deliberate: ReadonlySet<string> = new Set(['FINISHED', 'CANCELED', 'CANCELLING'])

/** Jobs that were there and are not listed any more. One with a made label had its name from somebody who still has it. */
function* stillKnown(
  before: Inventory,
  entries: Inventory,
  named: ReadonlySet<string>,
  now: number,
  { keepMs, mostGone, isConfigured }: InventoryRules,
): Generator<void, readonly (readonly [string, JobEntry])[], void> {
  const gone: (readonly [string, JobEntry])[] = []
  let step = 0
  for (const one of before) {
    if (++step % STEP === 0) yield
    const [key, { flinkCluster, label, name, listedAt }] = one
    if (entries.has(key) || listedAt === undefined || label !== printedName(name)) continue
    if (!isConfigured(flinkCluster)) continue
    if (named.has(key) || now - listedAt <= keepMs) gone.push(one)
  }
  if (gone.length <= mostGone) return gone
  return gone.toSorted(([, a], [, b]) => (b.listedAt ?? 0) - (a.listedAt ?? 0)).slice(0, mostGone)
}
