import type { RegistryView, Target, TargetState } from '../model/target.ts'
import { runInTurns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { Service } from '../runtime/service.ts'
import { mergeTargets } from '../targets/merge.ts'
import { type Slice, sliceKey, targetsIn } from '../targets/slice.ts'
import { type StartupGate, startupGate } from '../targets/startup-gate.ts'
import { buildPage, type TargetPage } from './target-page.ts'

/** Where targets come from: a registry, or another complete list. */
export interface TargetSource {
  readonly name: string
  /** undefined before the first complete look. */
  view(): RegistryView | undefined
  changes(signal: AbortSignal): AsyncIterable<void>
}

export interface TargetListOptions {
  /** The registry first: of two owners of one address the one of the earlier source stays. */
  readonly sources: readonly TargetSource[]
  /** Those who look for reporters, and whether their first complete look is over. */
  readonly discoverers?: () => readonly { readonly name: string; readonly hasLooked: boolean }[]
  /** How long the first list waits at most for registrants to come back; the default lease. */
  readonly leaseSeconds: number
  /** False in the demo, whose registrants start with it. Default true. */
  readonly mayReturn?: boolean
}

/** What the list looks like, for the daemon's own metrics. */
interface TargetListStats {
  readonly states: Readonly<Record<TargetState, number>>
  readonly duplicates: number
  readonly groups: number
  readonly bytes: number
  /** Monotonic milliseconds. */
  readonly builtAt: number
  readonly buildMs: number
}

/** The list for Prometheus, rendered again after each change, a moment later. */
export interface TargetList extends Service {
  /** The page of a slice of the last good list; undefined before the first. */
  page(slice: Slice): Promise<TargetPage> | undefined
  /** Why there is no list yet. */
  gate(): StartupGate
  stats(): TargetListStats | undefined
}

interface Published {
  readonly targets: readonly Target[]
  readonly page: TargetPage
  readonly stats: TargetListStats
  readonly slices: Map<string, Promise<TargetPage>>
}

/** The rest after a build: twice as long as it took, so that it costs at most a third of a core, within bounds. */
const settleMs = 50
const shareOfTime = 2
const longestRestMs = 1_000
const lookAgainMs = 500
const idleMs = 60_000
const mostSlices = 64

export function createTargetList(
  options: TargetListOptions,
  deps: { readonly clock: Clock; readonly logger: Logger },
): TargetList {
  const { sources, discoverers = () => [], leaseSeconds, mayReturn = true } = options
  const { clock, logger } = deps
  let published: Published | undefined
  let startedAt = clock.monotonic()
  let isDirty = true
  let known = 0
  let grewAt: number | undefined
  let wake = new AbortController()

  function gate(): StartupGate {
    return startupGate({
      now: clock.monotonic(),
      startedAt,
      leaseMs: leaseSeconds * 1000,
      sources: sources.map(({ name, view }) => {
        const seen = view()
        return { name, hasView: seen !== undefined, isWhole: seen?.whole === true }
      }),
      discoverers: discoverers(),
      mayReturn,
      ...(grewAt === undefined ? {} : { grewAt }),
    })
  }

  /** Before the first list: notes when the targets became more. */
  function watchGrowth(): void {
    if (published !== undefined) return
    const count = sources.reduce((sum, { view }) => sum + (view()?.targets.length ?? 0), 0)
    if (count > known) grewAt = clock.monotonic()
    known = count
  }

  async function build(): Promise<Published> {
    const began = clock.monotonic()
    const views = sources.flatMap(({ view }) => view() ?? [])
    const { targets, duplicates } = await runInTurns(mergeTargets(views.map((view) => view.targets)))
    const page = await buildPage(targets, published?.page)
    const quarantined = views.reduce((sum, view) => sum + view.quarantined.length, page.quarantined.length)
    const builtAt = clock.monotonic()
    return {
      targets,
      page,
      slices: new Map(),
      stats: {
        states: { ...countStates(targets), quarantined },
        duplicates,
        groups: page.groups,
        bytes: page.bytes,
        builtAt,
        buildMs: builtAt - began,
      },
    }
  }

  /** Once there is a list it is never taken back: when it cannot be made again, the last good one stays. */
  async function rebuild(signal: AbortSignal): Promise<void> {
    const began = clock.monotonic()
    isDirty = false
    try {
      published = await build()
    } catch (error) {
      if (error instanceof InvariantError) throw error
      logger.error({ error: describeError(error) }, 'Target list could not be built; the last one stays')
    }
    const restMs = shareOfTime * (clock.monotonic() - began)
    await clock.sleep(Math.min(longestRestMs, Math.max(settleMs, restMs)), signal)
  }

  async function keepBuilding(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      wake = new AbortController()
      const isWaiting = published === undefined && !gate().isOpen
      const hasAll = sources.every(({ view }) => view() !== undefined)
      if (isDirty && hasAll && !isWaiting) await rebuild(signal)
      else await clock.sleep(isWaiting ? lookAgainMs : idleMs, wake.signal)
    }
  }

  function mark(): void {
    isDirty = true
    watchGrowth()
    wake.abort()
  }

  async function follow(source: TargetSource, signal: AbortSignal): Promise<void> {
    for await (const _ of source.changes(signal)) mark()
  }

  /** A slice is rendered when it is first asked for, and kept as long as the list it belongs to. */
  function slicePage({ slices, targets, page }: Published, slice: Slice): Promise<TargetPage> {
    const key = sliceKey(slice)
    if (key === '') return Promise.resolve(page)
    const known = slices.get(key)
    if (known !== undefined) return known
    const made = runInTurns(targetsIn(slice, targets)).then((some) => buildPage(some))
    if (slices.size >= mostSlices) slices.clear()
    slices.set(key, made)
    return made
  }

  return {
    name: 'target-list',
    run: async (signal) => {
      startedAt = clock.monotonic()
      isDirty = true
      grewAt = undefined
      known = 0
      const onAbort = (): void => wake.abort()
      signal.addEventListener('abort', onAbort)
      try {
        await Promise.all([keepBuilding(signal), ...sources.map((source) => follow(source, signal))])
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    page: (slice) => (published === undefined ? undefined : slicePage(published, slice)),
    gate,
    stats: () => published?.stats,
  }
}

function countStates(targets: readonly Target[]): Readonly<Record<Target['state'], number>> {
  const counts = { listed: 0, lingering: 0, held: 0 }
  for (const { state } of targets) counts[state]++
  return counts
}
