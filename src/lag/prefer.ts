import { blockColumns, type PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { reasonCode } from '../model/reason.ts'
import { onlyBlocks } from './only-blocks.ts'
import { type KeptPositions, type MergedConsumer, mergeConsumer, type StoreRows } from './stores.ts'

/** What one source found in a cycle. */
export interface SourceFound {
  readonly batches: readonly PositionBatch[]
  /** One that names a consumer says that nothing of it could be read there. */
  readonly problems: readonly Problem[]
}

/** What one cycle has to tell the next about consumers whose positions are in more than one source. */
export interface StoresBefore {
  /** 1 for the first cycle. */
  readonly cycle: number
  readonly kept: ReadonlyMap<string, KeptPositions>
}

export const noStoresBefore: StoresBefore = { cycle: 0, kept: new Map() }

interface Preferred {
  /** No (consumer, topic) stands in them twice. */
  readonly batches: readonly PositionBatch[]
  readonly stores: StoresBefore
}

/** Where the rows of a consumer are. */
interface Place {
  readonly batch: PositionBatch
  readonly consumer: number
  readonly blocks: number[]
}

/**
 * The batches of several sources as one list. A consumer that only one source knows keeps its rows as they are. The rows
 * of one that several know are merged partition by partition (`mergeConsumer` says which position counts). A consumer
 * that one source knows and another could not read, without anything known of it from before, is left out: nobody can
 * say which position would count, and its problem names it. Yields between its steps.
 *
 * @param found sources in their order: the first counts where nothing else tells two positions apart
 */
export function* prefer(found: readonly SourceFound[], before: StoresBefore): Generator<void, Preferred, void> {
  if (found.length === 1) return { batches: found[0]!.batches, stores: before }
  const cycle = before.cycle + 1
  const failed = found.map(({ problems }) => reasonsOf(problems))
  const names: ReadonlySet<string>[] = []
  for (const { batches } of found) {
    names.push(namesOf(batches))
    yield
  }
  const shared = sharedNames(names, failed)
  const kept = new Map<string, KeptPositions>()
  for (const [name, past] of before.kept) if (failed.some((reasons) => reasons.has(name))) kept.set(name, past)
  const stores: StoresBefore = { cycle, kept }
  if (shared.size === 0) return { batches: found.flatMap(({ batches }) => batches), stores }
  const places: ReadonlyMap<string, Place[]>[] = []
  const batches: PositionBatch[] = []
  for (const source of found) {
    const shares = new Map<string, Place[]>()
    for (const batch of source.batches) {
      batches.push(withoutShared(batch, shared, shares))
      yield
    }
    places.push(shares)
  }
  const merged = createMerged()
  for (const name of [...shared].sort()) {
    const at = positionsOnly(places.map((shares) => shares.get(name) ?? []))
    const all = at.map(
      (some, source): StoreRows => ({
        consumer: some[0]?.batch.consumers[some[0].consumer],
        blocks: some.flatMap(({ batch, blocks }) => blocks.map((block) => ({ batch, block }))),
        failed: some.length === 0 && !isLag(at) ? failed[source]!.get(name) : undefined,
      }),
    )
    const past = before.kept.get(name)
    if (past === undefined && all.some((store) => store.failed !== undefined)) continue
    const result = yield* mergeConsumer(all, past, cycle)
    kept.set(name, result.kept)
    merged.add(
      at.flatMap((some) => some.map(({ batch }) => batch)),
      result,
    )
  }
  for (const { from, of } of merged.groups()) {
    batches.push(yield* toBatch(from, of))
  }
  return { batches, stores }
}

/** A lag that a broker gave is no position, and nothing can be merged with it: the first source alone counts then. */
function positionsOnly(places: readonly (readonly Place[])[]): readonly (readonly Place[])[] {
  if (!isLag(places)) return places
  const first = places.findIndex((some) => some.length > 0)
  return places.map((some, source) => (source === first ? some : []))
}

function isLag(places: readonly (readonly Place[])[]): boolean {
  return places.some((some) => some.some(({ batch }) => batch.holds === 'lag'))
}

function reasonsOf(problems: readonly Problem[]): ReadonlyMap<string, number> {
  const reasons = new Map<string, number>()
  for (const { consumer, reason } of problems) if (consumer !== undefined) reasons.set(consumer, reasonCode(reason))
  return reasons
}

function namesOf(batches: readonly PositionBatch[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { consumers } of batches) for (const { name } of consumers) names.add(name)
  return names
}

/** Consumers that one source knows, and another one knows or could not read. */
function sharedNames(
  names: readonly ReadonlySet<string>[],
  failed: readonly ReadonlyMap<string, number>[],
): ReadonlySet<string> {
  const shared = new Set<string>()
  for (const [index, known] of names.entries())
    for (const [other, others] of names.entries()) {
      if (other === index) continue
      // The smaller one is walked through.
      if (others.size <= known.size) {
        for (const name of others) if (known.has(name)) shared.add(name)
      }
      for (const name of failed[other]!.keys()) if (known.has(name)) shared.add(name)
    }
  return shared
}

/** The batch without its shared consumers, whose places are noted; the batch itself when it has none. */
function withoutShared(batch: PositionBatch, shared: ReadonlySet<string>, places: Map<string, Place[]>): PositionBatch {
  const own = batch.consumers.map(({ name }) => !shared.has(name))
  if (!own.includes(false)) return batch
  const placed = new Map<number, Place>()
  for (const [consumer, { name }] of batch.consumers.entries()) {
    if (own[consumer]) continue
    const place: Place = { batch, consumer, blocks: [] }
    placed.set(consumer, place)
    places.set(name, [...(places.get(name) ?? []), place])
  }
  const keep: number[] = []
  for (let block = 0; block < batch.blockConsumer.length; block++) {
    const place = placed.get(batch.blockConsumer[block]!)
    if (place === undefined) keep.push(block)
    else place.blocks.push(block)
  }
  return onlyBlocks(batch, keep, own)
}

/** Sorts merged consumers by the answers that their rows came from: each sort becomes a batch. */
function createMerged() {
  const groups = new Map<string, { readonly from: readonly PositionBatch[]; readonly of: MergedConsumer[] }>()
  const numbers = new Map<PositionBatch, number>()
  return {
    add: (from: readonly PositionBatch[], result: MergedConsumer): void => {
      const distinct = [...new Set(from)]
      for (const batch of distinct) if (!numbers.has(batch)) numbers.set(batch, numbers.size)
      const key = distinct.map((batch) => numbers.get(batch)!).join(' ')
      const group = groups.get(key) ?? { from: distinct, of: [] }
      groups.set(key, group)
      group.of.push(result)
    },
    groups: () => groups.values(),
  }
}

function* toBatch(from: readonly PositionBatch[], results: readonly MergedConsumer[]): Generator<void, PositionBatch> {
  const blocks = results.flatMap(({ blocks: some }, consumer) => some.map((block) => ({ ...block, consumer })))
  const columns = yield* blockColumns(blocks, ({ value, epoch }, at, { source }) => {
    if (source === undefined) return
    value[at * 2] = source.batch.value[source.row * 2]!
    value[at * 2 + 1] = source.batch.value[source.row * 2 + 1]!
    epoch[at] = source.batch.epoch[source.row]!
  })
  return {
    ...columns,
    evidence: from.flatMap(({ evidence }) => evidence),
    // A log end counts only when it was asked for after the later of the two.
    takenAt: Math.max(...from.map(({ takenAt }) => takenAt)),
    holds: from[0]?.holds ?? 'position',
    consumers: results.map(({ consumer }) => consumer),
  }
}
