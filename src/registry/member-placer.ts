import type { Registration } from '../model/registration.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, InvariantError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { createMemberRemover } from './member-remover.ts'
import type { MemberWriter, PlacedMember, SeenZnode } from './member-writer.ts'

/** Keeps what one session has in ZooKeeper in line with what we want there, however often it has to be done again. */
export interface MemberPlacer {
  /** What is wanted for this id may have changed, or may be missing in ZooKeeper. */
  touch(id: string): void
  /**
   * Resolves when ZooKeeper has what is wanted for all of them.
   *
   * @throws UnavailableError when that is uncertain; it is tried again by itself
   */
  settle(ids: readonly string[]): Promise<void>
  /** The end was announced: all readers are told before the znode goes. */
  end(registration: Registration): void
  /** An older life of the id, or one that nobody wants: it goes, whoever wrote it. */
  sweep(id: string, seen: SeenZnode): void
  /** It bears the mark of an announced end, and whoever set the mark may be gone: readers are told before it goes. */
  bury(id: string, marked: SeenZnode): void
  isLeaving(path: string): boolean
  placed(id: string): PlacedMember | undefined
  size(): number
  /** It is there already: written by our session before this process began. */
  adopt(member: PlacedMember): void
  /** It is not ours any more: nothing of it is touched. */
  forget(id: string): void
  /** Another session takes care of it from now on; who waits for it here is told to ask again. */
  handOver(id: string): void
  /** Everything of our session is gone. */
  forgetAll(): void
  /** ZooKeeper can be reached again. */
  wake(): void
  run(signal: AbortSignal): Promise<void>
}

export interface MemberPlacerDeps {
  readonly writer: MemberWriter
  readonly isConnected: () => boolean
  /** The server keeps our session for certain. */
  readonly isConfirmed: () => boolean
  /** The registration that shall be in ZooKeeper for an id. */
  readonly wanted: (id: string) => Registration | undefined
  /** Nothing is done for an id, and nobody is answered, as long as it is not known what is wanted; then it is touched. */
  readonly isUndecided: (id: string) => boolean
  readonly onPlaced: (id: string) => void
  /** There is nothing in ZooKeeper for this id, and nothing shall be. */
  readonly onGone: (id: string) => void
  /** A turn of the event loop for this placer alone: there are many of them, and all have much to do at once. */
  readonly turn: () => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

const idsPerRound = 500
/** Their answers come in one piece, and all of them have a next step then. */
const singlesAtOnce = 50
const bytesPerMulti = 128 * 1024
const againMs = 1_000
const idleMs = 60_000

interface Waiter {
  resolve(): void
  reject(error: UnavailableError): void
}

export function createMemberPlacer(deps: MemberPlacerDeps): MemberPlacer {
  const { writer, isConnected, isConfirmed, wanted, isUndecided, onPlaced, onGone, turn, clock, logger } = deps
  const members = new Map<string, PlacedMember>()
  const ending = new Map<string, Registration>()
  const remover = createMemberRemover({ writer, onRemoved: noteGone, clock, logger })
  const waiters = new Map<string, readonly Waiter[]>()
  const dirty = new Set<string>()
  /** Failed, and are tried again at `retryAt`: one that cannot be written holds up nobody else. */
  const failed = new Set<string>()
  let retryAt = 0
  let isFailing = false
  let wake = new AbortController()

  /** Thousands are touched at once, and each abort would make an error, the first or not. */
  const rouse = (): void => {
    if (!wake.signal.aborted) wake.abort()
  }

  const touch = (id: string): void => {
    dirty.add(id)
    rouse()
  }

  const isDone = (id: string): boolean => !isUndecided(id) && members.get(id)?.registration === wanted(id)

  function isInPlace(id: string): boolean {
    if (dirty.has(id) || failed.has(id) || ending.has(id) || !isDone(id)) return false
    return !members.has(id) || isConfirmed()
  }

  function remember(id: string, member: PlacedMember): void {
    members.set(id, member)
    onPlaced(id)
  }

  async function bring(id: string): Promise<void> {
    const one = wanted(id)
    const member = members.get(id)
    if (one !== undefined) {
      ending.delete(id)
      if (member?.registration !== one) remember(id, await writer.place(one, member))
      else if (!isConfirmed()) await writer.ask()
      return
    }
    const over = ending.get(id)
    if (over !== undefined) {
      const marked = await writer.markStopped(over)
      if (marked !== undefined) remover.say(id, marked)
      // An earlier life of it that was ours.
      if (member !== undefined && member.path !== writer.pathOf(over)) await writer.remove(member.path)
      if (ending.get(id) === over) ending.delete(id)
    } else if (member !== undefined) await writer.remove(member.path)
    members.delete(id)
    noteGone(id)
  }

  function noteGone(id: string): void {
    if (wanted(id) === undefined && !members.has(id) && !ending.has(id) && !remover.hasAny(id)) onGone(id)
  }

  /** What is new and in nobody's way goes in few requests; the ids that are left need a look of their own. */
  async function bringNew(ids: readonly string[]): Promise<readonly string[]> {
    const fresh = ids.flatMap((id) => (members.has(id) ? [] : (wanted(id) ?? [])))
    if (fresh.length < 2) return ids
    for (const chunk of inChunks(fresh)) {
      await turn()
      const made = await writer.createAll(chunk)
      await turn()
      for (const member of made ?? []) remember(member.registration.id, member)
    }
    return ids.filter((id) => members.get(id)?.registration !== wanted(id) || wanted(id) === undefined)
  }

  async function round(): Promise<void> {
    const ids = takeDecided()
    const asked = new Map(ids.map((id) => [id, waiters.get(id) ?? []]))
    for (const id of ids) waiters.delete(id)
    const errors = new Map<string, unknown>()
    let left: readonly string[] = ids
    try {
      left = await bringNew(ids)
    } catch (error) {
      for (const id of ids) errors.set(id, error)
      left = []
    }
    for (let from = 0; from < left.length; from += singlesAtOnce) {
      await turn()
      const some = left.slice(from, from + singlesAtOnce)
      await Promise.all(some.map((id) => bring(id).catch((error: unknown) => errors.set(id, error))))
    }
    for (const [id, all] of asked) answer(id, all, errors.get(id))
    note(errors)
  }

  function takeDecided(): readonly string[] {
    const ids = first(dirty, idsPerRound)
    for (const id of ids) dirty.delete(id)
    return ids.filter((id) => !isUndecided(id))
  }

  function answer(id: string, all: readonly Waiter[], error: unknown): void {
    if (error instanceof InvariantError) throw error
    if (error !== undefined) {
      failed.add(id)
      for (const waiter of all) waiter.reject(asUnavailable(error))
    } else if (isDone(id)) for (const waiter of all) waiter.resolve()
    else {
      // Changed meanwhile, or lost again with its session.
      if (all.length > 0) waiters.set(id, [...all, ...(waiters.get(id) ?? [])])
      touch(id)
    }
  }

  function note(errors: ReadonlyMap<string, unknown>): void {
    const [error] = errors.values()
    if (errors.size > 0) {
      retryAt = clock.monotonic() + againMs
      if (!isFailing)
        logger.warn({ members: errors.size, error: describeError(error) }, 'Members could not be written to ZooKeeper')
      isFailing = true
    } else if (isFailing && failed.size === 0) {
      logger.info({}, 'Members are written to ZooKeeper again')
      isFailing = false
    }
  }

  function retry(): void {
    if (failed.size === 0 || clock.monotonic() < retryAt) return
    for (const id of failed) dirty.add(id)
    failed.clear()
  }

  /** Until something is due without being touched. */
  function nextMs(): number {
    if (!isConnected()) return idleMs
    const now = clock.monotonic()
    return Math.min(idleMs, remover.dueInMs(), failed.size > 0 ? Math.max(0, retryAt - now) : idleMs)
  }

  function refuse(id: string, error: UnavailableError): void {
    for (const waiter of waiters.get(id) ?? []) waiter.reject(error)
    waiters.delete(id)
  }

  return {
    touch,
    settle: async (ids) => {
      const breathe = breather()
      // One for the loop itself.
      let left = 1
      let waiter: Waiter = { resolve: () => undefined, reject: () => undefined }
      const settled = new Promise<void>((resolve, reject) => {
        waiter = { resolve: () => --left === 0 && resolve(), reject }
      })
      settled.catch(() => undefined)
      for (const id of ids) {
        if (!isInPlace(id)) {
          left++
          waiters.set(id, (waiters.get(id) ?? []).concat(waiter))
          touch(id)
        }
        await breathe()
      }
      waiter.resolve()
      return settled
    },
    end: (registration) => {
      ending.set(registration.id, registration)
      touch(registration.id)
    },
    sweep: (id, seen) => {
      remover.sweep(id, seen)
      rouse()
    },
    bury: (id, marked) => {
      remover.say(id, marked)
      rouse()
    },
    isLeaving: remover.isLeaving,
    placed: (id) => members.get(id),
    adopt: (member) => remember(member.registration.id, member),
    size: () => members.size,
    forget: (id) => {
      members.delete(id)
    },
    handOver: (id) => {
      members.delete(id)
      ending.delete(id)
      dirty.delete(id)
      failed.delete(id)
      refuse(id, new UnavailableError('Write members: the ZooKeeper session was lost meanwhile'))
    },
    forgetAll: () => members.clear(),
    wake: rouse,
    run: async (signal) => {
      signal.addEventListener('abort', rouse)
      while (!signal.aborted) {
        wake = new AbortController()
        if (isConnected()) {
          retry()
          await remover.step()
          if (dirty.size > 0) await round()
        }
        const hasWork = isConnected() && dirty.size > 0
        if (!hasWork && !signal.aborted) await clock.sleep(nextMs(), wake.signal)
      }
      signal.removeEventListener('abort', rouse)
      const stopping = new UnavailableError('Write members: the registry is stopping')
      for (const id of [...waiters.keys()]) refuse(id, stopping)
      dirty.clear()
      failed.clear()
    },
  }
}

function asUnavailable(error: unknown): UnavailableError {
  if (error instanceof UnavailableError) return error
  return new UnavailableError(`Write members to ZooKeeper: ${describeError(error)}`, { cause: error })
}

function first<T>(all: Iterable<T>, count: number): readonly T[] {
  const found: T[] = []
  for (const one of all) {
    if (found.length === count) break
    found.push(one)
  }
  return found
}

/** A request may have 1 MB at most (`jute.maxbuffer`). */
function inChunks(many: readonly Registration[]): readonly (readonly Registration[])[] {
  const chunks: Registration[][] = []
  let size = bytesPerMulti
  for (const one of many) {
    // A guess from above is enough: a document has at most 4 KiB.
    const bytes = 1_024 + 2 * JSON.stringify(one.labels).length
    if (size + bytes > bytesPerMulti) {
      chunks.push([])
      size = 0
    }
    chunks.at(-1)?.push(one)
    size += bytes
  }
  return chunks
}
