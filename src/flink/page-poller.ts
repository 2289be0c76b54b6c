import { turns } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { filterLabel } from './filter-label.ts'
import type { FlinkPage, PageFailure, PageReading } from './flink-page.ts'
import { createPageLanes } from './page-lanes.ts'
import { createPageReporter, type PageReporter } from './page-reporter.ts'
import { createPageTimetable } from './page-timetable.ts'
import type { PageTrouble } from './read-page.ts'
import { createTextPool } from './text-pool.ts'

/** A TaskManager's reporter to be read. */
export interface PagePlace {
  readonly id: string
  readonly flinkCluster: string
  /** `host:port` with a literal IP address. */
  readonly address: string
  /** What the page must say as `tm_id`: another one means that the port has a new owner, and nothing is taken from it. */
  readonly tmId: string
}

/** Reads the pages of all TaskManagers, each every interval, spread over it; the last of each is kept. */
export interface PagePoller {
  readonly name: string
  /** From now on exactly these; a new one is read at once, one that is missing is forgotten with its page. */
  want(places: readonly PagePlace[]): void
  /**
   * The last good page of each reporter, by id, as of now. A page is forgotten at once when somebody else answered at
   * the address; else it stays, and its age is for the reader to judge.
   */
  pages(): ReadonlyMap<string, PageReading>
  /** Why the last attempt failed, by id; no entry when it did not. */
  failures(): ReadonlyMap<string, PageFailure>
  /** Of one reporter: all at once are a copy. */
  page(id: string): PageReading | undefined
  failure(id: string): PageFailure | undefined
  run(signal: AbortSignal): Promise<void>
}

export interface PagePollerOptions {
  /** Of each reporter. */
  readonly intervalMs: number
  /** For one page, from the connection to its last byte; 10 s by default. */
  readonly deadlineMs?: number
  /** Of one page, decompressed; 64 MiB by default. */
  readonly mostBytes?: number
  /** Reads under way; 128 by default. Most of them only wait: a page is made when it is asked for. */
  readonly mostAtOnce?: number
  /** So many of them for reporters that did not answer the last time; 32 by default. No other waits for those. */
  readonly mostDoubtful?: number
  /** How often the whole page of a reporter is read that can be asked for single families; 10 minutes by default. */
  readonly wholeEveryMs?: number
}

export interface PagePollerDeps {
  readonly clock: Clock
  /**
   * After each page; `isNews` when we had none of that process, or when it does not wait for the same any more, so that
   * there may be something to see that was not there before.
   */
  readonly onPage?: (reading: PageReading, isNews: boolean) => void
  /**
   * What a page does not say yet and will as soon as its process is at work, in any words; empty when there is nothing.
   * Such a page is read again a few times before its interval is over, and so again when it waits for something else.
   */
  readonly waitsFor?: (page: FlinkPage) => string
}

interface Entry {
  readonly place: PagePlace
  readonly reporter: PageReporter
  readonly stop: AbortController
  isDoubtful: boolean
  /** By its last page; undefined before the first. */
  waitsFor?: string
  /** Reads since then that brought nothing else. */
  waited: number
}

/** The timetable is looked at so often, whatever happens. */
const longestNapMs = 250
const shortestNapMs = 10
/** When a page that waits for something is read again. */
const soonMs = [1_000, 2_000, 4_000, 8_000] as const

export function createPagePoller(options: PagePollerOptions, deps: PagePollerDeps): PagePoller {
  const { clock, onPage, waitsFor = () => '' } = deps
  const { intervalMs, deadlineMs = 10_000, mostBytes = 64 * 1024 * 1024 } = options
  const { mostAtOnce = 128, mostDoubtful = 32, wholeEveryMs = 600_000 } = options
  const { intern } = createTextPool()
  const turn = turns()
  const timetable = createPageTimetable(intervalMs)
  const entries = new Map<string, Entry>()
  const pages = new Map<string, PageReading>()
  const failures = new Map<string, PageFailure>()
  let nap = new AbortController()

  function enter(place: PagePlace): void {
    const { id, address, tmId } = place
    const url = `http://${address}/metrics`
    const reporter = createPageReporter({ url, tmId, deadlineMs, mostBytes, wholeEveryMs, intern, turn }, clock)
    entries.set(id, { place, reporter, stop: new AbortController(), isDoubtful: false, waited: 0 })
    timetable.add(id)
  }

  function leave(id: string): void {
    entries.get(id)?.stop.abort()
    entries.delete(id)
    failures.delete(id)
    timetable.remove(id)
  }

  function isWanted(entry: Entry): boolean {
    return entries.get(entry.place.id) === entry
  }

  function take(entry: Entry, page: FlinkPage, sentAt: number): void {
    if (!isWanted(entry)) return
    const { id, flinkCluster } = entry.place
    const reading = { id, flinkCluster, url: entry.reporter.url, page, sentAt, takenAt: clock.monotonic() }
    const waiting = waitsFor(page)
    const isNews = !pages.has(id) || waiting !== entry.waitsFor
    entry.waited = waiting === entry.waitsFor ? entry.waited + 1 : 0
    entry.waitsFor = waiting
    entry.isDoubtful = false
    failures.delete(id)
    pages.set(id, reading)
    onPage?.(reading, isNews)
  }

  function fail(entry: Entry, { kind, why }: PageTrouble): void {
    if (!isWanted(entry) || entry.stop.signal.aborted) return
    const { id, flinkCluster } = entry.place
    entry.isDoubtful = kind === 'timeout'
    entry.waited++
    // Whoever answers there now, it is not the process that we have a page of.
    if (kind === 'other_process' || kind === 'no_flink_page') pages.delete(id)
    failures.set(id, { id, flinkCluster, url: entry.reporter.url, kind, why, at: clock.monotonic() })
  }

  async function read(entry: Entry): Promise<void> {
    const { reporter, stop, place } = entry
    await reporter.read(
      (page, sentAt) => take(entry, page, sentAt),
      (trouble) => fail(entry, trouble),
      stop.signal,
    )
    if (isWanted(entry)) timetable.done(place.id, clock.monotonic(), soonOf(entry))
  }

  return {
    name: 'flink-pages',
    want: (places) => {
      const wanted = new Map(places.map((place) => [place.id, place]))
      for (const id of [...entries.keys(), ...pages.keys()])
        if (!wanted.has(id)) {
          leave(id)
          pages.delete(id)
        }
      for (const place of wanted.values()) {
        const known = entries.get(place.id)?.place
        if (known !== undefined && isSame(known, place)) continue
        leave(place.id)
        if (known !== undefined && !isSameProcess(known, place)) pages.delete(place.id)
        enter(place)
      }
      nap.abort()
    },
    pages: () => new Map(pages),
    failures: () => new Map(failures),
    page: (id) => pages.get(id),
    failure: (id) => failures.get(id),
    run: async (signal) => {
      let broken: { readonly error: unknown } | undefined
      const guarded = (entry: Entry): Promise<void> =>
        read(entry).catch((error: unknown) => {
          broken ??= { error }
          nap.abort()
        })
      const isDoubtful = (entry: Entry): boolean => entry.isDoubtful
      const lanes = createPageLanes({ mostAtOnce, mostDoubtful, isDoubtful, isWanted, read: guarded })
      const stop = (): void => nap.abort()
      signal.addEventListener('abort', stop)
      // What was given out to an earlier run and not read has to come again.
      for (const id of entries.keys()) timetable.add(id)
      try {
        while (!signal.aborted && broken === undefined) {
          nap = new AbortController()
          const now = clock.monotonic()
          for (const id of timetable.due(now)) lanes.enqueue(entries.get(id)!)
          lanes.fill()
          const untilNext = Math.max(shortestNapMs, timetable.nextAt() - now)
          const ms = Math.min(longestNapMs, intervalMs / 4, untilNext)
          await clock.sleep(ms, nap.signal)
        }
      } finally {
        signal.removeEventListener('abort', stop)
        for (const { stop: stopReading } of entries.values()) stopReading.abort()
        await lanes.drain()
        for (const { place } of [...entries.values()]) {
          leave(place.id)
          enter(place)
        }
      }
      if (broken !== undefined) throw broken.error
    },
  }
}

function soonOf({ waitsFor = '', waited }: Entry): number | undefined {
  return waitsFor === '' ? undefined : soonMs[waited]
}

function isSame(one: PagePlace, other: PagePlace): boolean {
  return one.address === other.address && one.tmId === other.tmId && one.flinkCluster === other.flinkCluster
}

function isSameProcess(one: PagePlace, other: PagePlace): boolean {
  return filterLabel(one.tmId) === filterLabel(other.tmId)
}
