import type { Quarantined, Target } from '../model/target.ts'
import { hashOf } from '../model/text-hash.ts'
import { refusedBecause, targetLabels } from './target-labels.ts'

/** What a list of targets is in http_sd, and what was left out of it because Prometheus would refuse it. */
export interface RenderedGroups {
  /** JSON objects, one a line, joined by `,\n`; empty for no targets. */
  readonly text: string
  readonly groups: number
  readonly targets: number
  readonly quarantined: readonly Quarantined[]
}

/** The same targets give the same text, whatever order they come in: groups and addresses in the order of the ids. */
export function renderGroups(targets: readonly Target[]): RenderedGroups {
  const quarantined: Quarantined[] = []
  const groups = groupByLabels(targets, quarantined)
  const lines = Array.from(
    groups,
    ([labels, addresses]) => `{"targets":${JSON.stringify(addresses)},"labels":${labels}}`,
  )
  return {
    text: lines.join(',\n'),
    groups: groups.size,
    targets: targets.length - quarantined.length,
    quarantined,
  }
}

/** Addresses by their labels as JSON: targets with equal labels are one group. */
function groupByLabels(targets: readonly Target[], quarantined: Quarantined[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const target of targets.toSorted(byId)) {
    const { address, id } = target.registration
    const why = refusedBecause(target)
    if (why !== undefined) {
      quarantined.push({ where: id, why })
      continue
    }
    const labels = `{${targetLabels(target).map(member).join(',')}}`
    const addresses = groups.get(labels)
    if (addresses === undefined) groups.set(labels, [address])
    else addresses.push(address)
  }
  return groups
}

/** A member of a JSON object; nearly all values need no escape, and `JSON.stringify` on each is slower. */
function member([name, value]: readonly [string, string]): string {
  return /^[ !#-[\]-~]*$/.test(value) ? `"${name}":"${value}"` : `"${name}":${JSON.stringify(value)}`
}

/** Equal labels mean equal ids but for the address, so that the order of ids keeps a group together. */
function byId(a: Target, b: Target): number {
  const [left, right] = [a.registration, b.registration]
  if (left.id !== right.id) return left.id < right.id ? -1 : 1
  return left.address < right.address ? -1 : left.address > right.address ? 1 : 0
}

/** How many parts a list is cut into: with 100,000 targets a change renders fifty again, in less than a millisecond. */
const bucketCount = 2_048

/**
 * The part of the list a target belongs to: targets with equal labels have equal ids, so a group never spans two parts,
 * and a change renders only its own part again.
 */
function bucketOf(target: Target): number {
  return hashOf(target.registration.id) % bucketCount
}

const targetsPerStep = 5_000

/** Targets sorted into their buckets. Yields between steps of a few milliseconds. */
export function* intoBuckets(targets: readonly Target[]): Generator<void, readonly (readonly Target[])[]> {
  const buckets: Target[][] = Array.from({ length: bucketCount }, () => [])
  for (const [index, target] of targets.entries()) {
    if (index % targetsPerStep === targetsPerStep - 1) yield
    buckets[bucketOf(target)]!.push(target)
  }
  return buckets
}
