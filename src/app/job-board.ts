import type { DiscoveryReport, FoundScope, SilentProcess } from '../discovery/discoverer.ts'
import type { PagePlace } from '../flink/page-poller.ts'
import type { Job } from '../model/job.ts'
import type { Problem } from '../model/problem.ts'
import { createBell } from '../runtime/bell.ts'
import { idOf } from '../targets/identity.ts'
import { scopeKey } from './found-registration.ts'

/** A process without a reporter, and whose it is. */
interface SilentOf extends SilentProcess {
  readonly flinkCluster: string
  readonly scope: string
}

/** What all discoverers found last: the jobs, where their pages are, and which processes have none. */
export interface JobBoard {
  reportOf(discoverer: string): DiscoveryReport
  /** From now on only these look: what others have found is forgotten. */
  retain(discoverers: readonly string[]): void
  scopes(): readonly FoundScope[]
  scopesOf(discoverer: string): readonly FoundScope[]
  jobs(): readonly Job[]
  silent(): readonly SilentOf[]
  /** The TaskManagers whose pages are to be read; the same array for as long as they are the same. */
  places(): readonly PagePlace[]
  /** What could not be read in the last look of each discoverer. */
  problems(): readonly (Problem & { readonly discoverer: string })[]
  /** Yields after every change, several at once as one; ends when the signal aborts. */
  changes(signal: AbortSignal): AsyncIterable<void>
}

export function createJobBoard(): JobBoard {
  const scopes = new Map<string, { readonly discoverer: string; readonly found: FoundScope }>()
  const problems = new Map<string, readonly Problem[]>()
  const bell = createBell()
  let places: readonly PagePlace[] | undefined
  let jobs: readonly Job[] | undefined
  /** Undefined: all. One that is being stopped may still have something to say. */
  let wanted: readonly string[] | undefined

  const isWanted = (discoverer: string): boolean => wanted === undefined || wanted.includes(discoverer)

  function changed(): void {
    jobs = undefined
    bell.ring()
  }

  const all = (): readonly FoundScope[] => Array.from(scopes.values(), ({ found }) => found)

  return {
    reportOf: (discoverer) => ({
      update: (found) => {
        if (!isWanted(discoverer)) return
        const key = scopeKey(found)
        const before = scopes.get(key)?.found
        if (found.ended) scopes.delete(key)
        else scopes.set(key, { discoverer, found })
        // Of thousands of applications one is told after the other: most are where they were.
        if (!hasSamePlaces(before, found)) places = undefined
        changed()
      },
      cycle: (done) => {
        if (!isWanted(discoverer)) return
        problems.set(discoverer, done.problems)
        bell.ring()
      },
    }),
    retain: (discoverers) => {
      wanted = discoverers
      for (const name of problems.keys()) if (!isWanted(name)) problems.delete(name)
      for (const [key, { discoverer }] of scopes) if (!isWanted(discoverer)) scopes.delete(key)
      places = undefined
      changed()
    },
    scopes: all,
    scopesOf: (discoverer) => [...scopes.values()].flatMap((one) => (one.discoverer === discoverer ? [one.found] : [])),
    jobs: () => {
      jobs ??= all().flatMap((found) => found.jobs)
      return jobs
    },
    silent: () =>
      all().flatMap(({ flinkCluster, scope, silent }) => silent.map((one) => ({ ...one, flinkCluster, scope }))),
    places: () => {
      places ??= all().flatMap(placesOf)
      return places
    },
    problems: () => Array.from(problems, ([discoverer, some]) => some.map((one) => ({ ...one, discoverer }))).flat(),
    changes: (signal) => bell.listen(signal),
  }
}

function hasSamePlaces(before: FoundScope | undefined, now: FoundScope): boolean {
  const one = before === undefined ? [] : placesOf(before)
  const other = now.ended ? [] : placesOf(now)
  return (
    one.length === other.length &&
    one.every(({ id, address, tmId }, at) => {
      const its = other[at]!
      return id === its.id && address === its.address && tmId === its.tmId
    })
  )
}

function placesOf({ flinkCluster, reporters }: FoundScope): readonly PagePlace[] {
  return reporters.flatMap((one) =>
    one.tmId === undefined ? [] : [{ id: idOf(one), flinkCluster, address: one.address, tmId: one.tmId }],
  )
}
