import type { Registration } from '../model/registration.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, InvariantError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import type { MemberWriter, PlacedMember } from './member-writer.ts'

/** Keeps ZooKeeper in line with what we want there, id by id, however often it has to be done again. */
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
  /** Another life is at this path, or nobody wants it: it goes, whoever wrote it. */
  sweep(path: string): void
  placed(id: string): PlacedMember | undefined
  all(): Iterable<PlacedMember>
  /** Of all members of the session, in bytes. */
  pathBytes(): number
  /** It is there already: written by our session before this process began. */
  adopt(member: PlacedMember): void
  /** It is not ours any more: nothing of it is touched. */
  forget(id: string): void
  /** Everything of our session is gone. */
  forgetAll(): void
  /** ZooKeeper can be reached again. */
  wake(): void
  run(signal: AbortSignal): Promise<void>
}

export interface MemberPlacerDeps {
  readonly writer: MemberWriter
  readonly isConnected: () => boolean
  /** The registration that shall be in ZooKeeper for an id. */
  readonly wanted: (id: string) => Registration | undefined
  readonly onPlaced: (id: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

const idsPerRound = 500
const bytesPerMulti = 256 * 1024
/** Readers look at what has changed ten times a second: long enough for all of them to see the mark. */
const farewellMs = 1_000
const againMs = 1_000
const idleMs = 60_000

interface Waiter {
  resolve(): void
  reject(error: UnavailableError): void
}

export function createMemberPlacer(deps: MemberPlacerDeps): MemberPlacer {
  const { writer, isConnected, wanted, onPlaced, clock, logger } = deps
  const members = new Map<string, PlacedMember>()
  const ending = new Map<string, Registration>()
  const leaving = new Map<string, { readonly id: string; readonly at: number }>()
  const unwanted = new Set<string>()
  const waiters = new Map<string, Waiter[]>()
  let dirty = new Set<string>()
  let pathBytes = 0
  let failures = 0
  let wake = new AbortController()

  const touch = (id: string): void => {
    dirty.add(id)
    wake.abort()
  }

  const isInPlace = (id: string): boolean => !dirty.has(id) && members.get(id)?.registration === wanted(id)

  function remember(id: string, member: PlacedMember): void {
    drop(id)
    members.set(id, member)
    pathBytes += member.path.length
    onPlaced(id)
  }

  function drop(id: string): void {
    pathBytes -= members.get(id)?.path.length ?? 0
    members.delete(id)
  }

  async function bring(id: string): Promise<void> {
    const one = wanted(id)
    const member = members.get(id)
    if (one !== undefined) {
      ending.delete(id)
      if (member?.registration !== one) remember(id, await writer.place(one, member))
      return
    }
    const over = ending.get(id)
    if (over !== undefined) {
      await writer.markStopped(over)
      leaving.set(writer.pathOf(over), { id, at: clock.monotonic() + farewellMs })
      ending.delete(id)
    } else if (member !== undefined) await writer.remove(member.path)
    drop(id)
  }

  /** What is new and in nobody's way goes in few requests; the ids that are left need a look of their own. */
  async function bringNew(ids: readonly string[]): Promise<readonly string[]> {
    const fresh = ids.flatMap((id) => (members.has(id) ? [] : (wanted(id) ?? [])))
    if (fresh.length < 2) return ids
    for (const chunk of inChunks(fresh))
      for (const member of (await writer.createAll(chunk)) ?? []) remember(member.registration.id, member)
    return ids.filter((id) => members.get(id)?.registration !== wanted(id) || wanted(id) === undefined)
  }

  async function round(): Promise<void> {
    const ids = [...dirty].slice(0, idsPerRound)
    for (const id of ids) dirty.delete(id)
    const asked = new Map(ids.map((id) => [id, waiters.get(id) ?? []]))
    for (const id of ids) waiters.delete(id)
    const failed = new Map<string, unknown>()
    let left: readonly string[] = ids
    try {
      left = await bringNew(ids)
    } catch (error) {
      for (const id of ids) failed.set(id, error)
      left = []
    }
    await Promise.all(
      left.map((id) =>
        bring(id).catch((error: unknown) => {
          failed.set(id, error)
        }),
      ),
    )
    for (const [id, error] of failed) {
      if (error instanceof InvariantError) throw error
      dirty.add(id)
    }
    for (const [id, all] of asked)
      for (const waiter of all) {
        if (failed.has(id)) waiter.reject(asUnavailable(failed.get(id)))
        else waiter.resolve()
      }
    note(failed)
  }

  function note(failed: ReadonlyMap<string, unknown>): void {
    const [first] = failed.values()
    if (failed.size === 0) {
      if (failures > 0) logger.info({}, 'Members are written to ZooKeeper again')
      failures = 0
    } else if (failures++ === 0)
      logger.warn({ members: failed.size, error: describeError(first) }, 'Members could not be written to ZooKeeper')
  }

  /** Deletes what has said good-bye, and what nobody wants. */
  async function clear(): Promise<void> {
    const now = clock.monotonic()
    const due = [...leaving].filter(([, { at }]) => at <= now)
    const gone = due.filter(([path, { id }]) => {
      const one = wanted(id)
      return one === undefined || writer.pathOf(one) !== path
    })
    const paths = [...gone.map(([path]) => path), ...unwanted]
    await Promise.all(paths.map((path) => writer.removeAnyway(path)))
    for (const [path] of due) leaving.delete(path)
    for (const path of paths) unwanted.delete(path)
  }

  function nextMs(): number {
    if (!isConnected()) return idleMs
    const times = Array.from(leaving.values(), ({ at }) => at - clock.monotonic())
    return Math.max(
      1,
      times.reduce((a, b) => Math.min(a, b), idleMs),
    )
  }

  return {
    touch,
    settle: async (ids) => {
      await Promise.all(
        ids.map(
          (id) =>
            new Promise<void>((resolve, reject) => {
              if (isInPlace(id)) return resolve()
              waiters.set(id, [...(waiters.get(id) ?? []), { resolve, reject }])
              touch(id)
            }),
        ),
      )
    },
    end: (registration) => {
      ending.set(registration.id, registration)
      touch(registration.id)
    },
    sweep: (path) => {
      unwanted.add(path)
      wake.abort()
    },
    placed: (id) => members.get(id),
    adopt: (member) => remember(member.registration.id, member),
    all: () => members.values(),
    pathBytes: () => pathBytes,
    forget: drop,
    forgetAll: () => {
      members.clear()
      pathBytes = 0
      leaving.clear()
    },
    wake: () => wake.abort(),
    run: async (signal) => {
      const onAbort = (): void => wake.abort()
      signal.addEventListener('abort', onAbort)
      while (!signal.aborted) {
        wake = new AbortController()
        try {
          if (isConnected()) await clear()
          if (isConnected() && dirty.size > 0) await round()
        } catch (error) {
          if (error instanceof InvariantError) throw error
          logger.debug({ error: describeError(error) }, 'Members could not be cleared from ZooKeeper')
          await clock.sleep(againMs, signal)
        }
        if (failures > 0) await clock.sleep(againMs, signal)
        else if (dirty.size === 0 || !isConnected()) await clock.sleep(nextMs(), wake.signal)
      }
      signal.removeEventListener('abort', onAbort)
      const stopping = new UnavailableError('Write members: the registry is stopping')
      for (const all of waiters.values()) for (const waiter of all) waiter.reject(stopping)
      waiters.clear()
      dirty = new Set()
    },
  }
}

function asUnavailable(error: unknown): UnavailableError {
  if (error instanceof UnavailableError) return error
  return new UnavailableError(`Write members to ZooKeeper: ${describeError(error)}`, { cause: error })
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
