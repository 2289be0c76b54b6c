import type { Target } from '../model/target.ts'
import { hashOf } from '../model/text-hash.ts'
import { type FieldProblem, preview } from './field-problem.ts'

/** Which part of the list is asked for; nothing given is the whole list. */
export interface Slice {
  readonly namespace?: string
  readonly kind?: string
  readonly flinkCluster?: string
  /** Part `index` of `of` by a hash of the id. */
  readonly shard?: { readonly index: number; readonly of: number }
}

export const mostShards = 1_000

/** Reads `namespace`, `kind`, `flink_cluster`, `shard` and `of`; a word it does not know is a problem, never the whole list. */
export function parseSlice(query: Iterable<readonly [string, string]>, problems: FieldProblem[]): Slice {
  const found = new Map<string, string>()
  for (const [name, value] of query) {
    const isKnown = ['namespace', 'kind', 'flink_cluster', 'shard', 'of'].includes(name)
    if (!isKnown || found.has(name) || value === '')
      problems.push({
        path: name.slice(0, 64),
        value: preview(value),
        expected: 'namespace, kind, flink_cluster, shard and of, each once and not empty',
      })
    found.set(name, value)
  }
  const [namespace, kind, flinkCluster] = ['namespace', 'kind', 'flink_cluster'].map((name) => found.get(name))
  const shard = parseShard(found.get('shard'), found.get('of'), problems)
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(kind === undefined ? {} : { kind }),
    ...(flinkCluster === undefined ? {} : { flinkCluster }),
    ...(shard === undefined ? {} : { shard }),
  }
}

function parseShard(index: string | undefined, of: string | undefined, problems: FieldProblem[]): Slice['shard'] {
  if (index === undefined && of === undefined) return undefined
  const shard = { index: wholeNumber(index), of: wholeNumber(of) }
  if (shard.of >= 1 && shard.of <= mostShards && shard.index < shard.of) return shard
  problems.push({
    path: 'shard',
    value: `${index ?? 'missing'} of ${of ?? 'missing'}`,
    expected: `shard=0 to of−1 together with of=1 to ${mostShards}`,
  })
  return undefined
}

function wholeNumber(text: string | undefined): number {
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
}

/** One spelling for one slice; empty for the whole list. */
export function sliceKey({ namespace, kind, flinkCluster, shard }: Slice): string {
  const parts = [namespace, kind, flinkCluster, shard && `${shard.index}/${shard.of}`]
  return parts.every((part) => part === undefined) ? '' : JSON.stringify(parts)
}

const targetsPerStep = 5_000

/** The targets of a slice. Yields between steps of a few milliseconds. */
export function* targetsIn(slice: Slice, targets: readonly Target[]): Generator<void, readonly Target[]> {
  const found: Target[] = []
  for (const [index, target] of targets.entries()) {
    if (index % targetsPerStep === targetsPerStep - 1) yield
    if (isInSlice(target, slice)) found.push(target)
  }
  return found
}

export function isInSlice(target: Target, { namespace, kind, flinkCluster, shard }: Slice): boolean {
  const { registration } = target
  if (namespace !== undefined && registration.namespace !== namespace) return false
  if (kind !== undefined && registration.facts.kind !== kind) return false
  if (flinkCluster !== undefined && registration.facts.flinkCluster !== flinkCluster) return false
  return shard === undefined || hashOf(registration.id) % shard.of === shard.index
}
