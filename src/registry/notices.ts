import { withDeadline } from '../runtime/deadline.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import { together } from '../runtime/together.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import { createHandovers, type Handovers, type HandoversDeps } from './handovers.ts'
import type { Over } from './notice.ts'
import { createNoticeFolder, type ReadNotices, type SeenNotice } from './notice-folder.ts'

/** Who is there, as far as is known. */
export interface Presence {
  /** undefined while that is not known of anybody. */
  isPresent(holder: string): boolean | undefined
  /** Yields after somebody came or went; ends when the signal aborts. */
  changes(signal: AbortSignal): AsyncIterable<void>
}

/** What replicas tell those that are away about their registrations, and what they have told us. */
export interface Notices extends Pick<Handovers, 'note' | 'end'> {
  /** Resolves when what is due has been written, or could not be: then it is tried again by itself. */
  written(signal: AbortSignal): Promise<void>
  /** What we were told while we were away; nothing, with a line in the log, when that cannot be read. */
  read(signal: AbortSignal): Promise<ReadNotices>
  /** It was read, and what it says is done. What cannot be deleted now is later. */
  discard(notices: readonly SeenNotice[], signal: AbortSignal): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

export interface NoticesDeps extends Pick<HandoversDeps, 'clock' | 'logger'> {
  readonly zookeeper: Zookeeper
  /** Our own name; without one nobody can tell us anything. */
  readonly self: string | undefined
  readonly presence: Presence | undefined
  /** Everything that we ever held is in ZooKeeper or given up: nobody needs to tell us anything. */
  readonly isHome: () => boolean
}

/** Sooner than the mark of an end goes, and late enough for one write to say much. */
const writeMs = 500
const readMs = 5_000
const retryMs = 5_000
const sweepMs = 3_600_000
const keptMs = 7 * 24 * 3_600_000
const usualSessionMs = 10_000

const nothing: ReadNotices = { over: new Map(), notices: [] }

export function createNotices(deps: NoticesDeps): Notices {
  const { zookeeper, self, presence, isHome, clock, logger } = deps
  const folder = createNoticeFolder(zookeeper, logger)
  const quietly = { write: createQuiet('write', logger), tidy: createQuiet('look through', logger) }
  const handovers = createHandovers({ isPresent: (holder) => presence?.isPresent(holder), windowMs, clock, logger })
  let waiting: (() => void)[] = []
  let retryAt = 0
  /** Of us, at the last look. */
  let seen: readonly SeenNotice[] = []

  /** A session ends late by a tick of the server, and the others' next look is later still. */
  function windowMs(): number {
    return 1.5 * (zookeeper.session()?.timeoutMs ?? usualSessionMs) + 3_000
  }

  /** One folder that may not be written hides no other. */
  async function writeDue(signal: AbortSignal): Promise<void> {
    const failures: unknown[] = []
    for (const [holder, over] of [...handovers.due()])
      await tell(holder, over, signal).catch((error: unknown) => failures.push(error))
    if (failures.length === 0) return
    retryAt = clock.monotonic() + retryMs
    throw failures[0]
  }

  async function tell(holder: string, over: Over, signal: AbortSignal): Promise<void> {
    while (over.size > 0 && zookeeper.state() === 'connected') {
      const told = await folder.add(holder, over, signal)
      handovers.told(holder, told)
      // Somebody has taken the folder away: again, a moment later.
      if (told.length === 0) return
    }
  }

  async function write(signal: AbortSignal): Promise<void> {
    handovers.expire()
    const isTime = clock.monotonic() >= retryAt && zookeeper.state() === 'connected'
    if (isTime && handovers.hasDue()) await quietly.write(signal, writeDue)
    const heard = waiting
    waiting = []
    for (const done of heard) done()
  }

  /** Whoever took us for gone for a moment told us what we saw ourselves. */
  async function tidy(signal: AbortSignal): Promise<void> {
    if (self === undefined || !isHome() || zookeeper.state() !== 'connected') return
    const now = await folder.look(self, signal)
    const known = new Set(seen.map(({ path, version }) => `${path} ${version}`))
    seen = now
    if (!isHome()) return
    await folder.discard(
      now.filter(({ path, version }) => known.has(`${path} ${version}`)),
      signal,
    )
  }

  async function sweep(signal: AbortSignal): Promise<void> {
    if (zookeeper.state() === 'connected') await folder.sweep(clock.wall() - keptMs, signal)
  }

  return {
    note: handovers.note,
    end: handovers.end,
    written: async (signal) => {
      if (!handovers.hasDue()) return
      await withDeadline('Write notices', readMs, signal, () => new Promise<void>((done) => waiting.push(done))).catch(
        () => undefined,
      )
    },
    read: async (signal) => {
      if (self === undefined) return nothing
      try {
        const found = await withDeadline('Read notices', readMs, signal, (bounded) => folder.read(self, bounded))
        if (found.over.size > 0) logger.info({ registrations: found.over.size }, 'Other replicas have left notices')
        return found
      } catch (error) {
        if (error instanceof InvariantError) throw error
        if (!signal.aborted)
          logger.warn({ error: describeError(error) }, 'Notices cannot be read: what has ended elsewhere may come back')
        return nothing
      }
    },
    discard: (notices, signal) => quietly.tidy(signal, (bounded) => folder.discard(notices, bounded)),
    run: (signal) =>
      together(signal, [
        async (both) => {
          for await (const _ of presence?.changes(both) ?? []) await handovers.review()
        },
        (both) => poll({ intervalMs: writeMs, clock }, both, () => write(both)),
        (both) => poll({ intervalMs: windowMs(), clock }, both, () => quietly.tidy(both, tidy)),
        (both) => poll({ intervalMs: sweepMs, jitter: 1, clock }, both, () => quietly.tidy(both, sweep)),
      ]),
  }
}

/** What others would have to hear is no reason to stop: the first of several failures has a line in the log. */
function createQuiet(what: string, logger: Logger) {
  let isFailing = false
  return async (signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    try {
      await work(signal)
      isFailing = false
    } catch (error) {
      if (error instanceof InvariantError) throw error
      if (!isFailing && !signal.aborted)
        logger.warn({ what, error: describeError(error) }, 'Notices of replicas cannot be kept')
      isFailing = true
    }
  }
}
