import { addressKey, type Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { EmbeddedRegistry } from './embedded.ts'
import type { Loss } from './member-board.ts'
import type { SeenNotice } from './notice-folder.ts'
import type { Notices } from './notices.ts'

/**
 * Registrations of ours that ZooKeeper does not have although it should: they come from an earlier process or session, or
 * somebody took their znodes away. They are written again unless others have written something newer since, or tell us
 * that they are over.
 */
export interface Returning {
  has(id: string): boolean
  /** Nobody knows yet whether others have something newer. */
  isUndecided(id: string): boolean
  /** Everything that is in the journal at the start. */
  addAll(): Promise<void>
  /** Their session was lost: a look that began before says nothing about them. */
  lost(ids: Iterable<string>): void
  /** Its znode is gone, though our session lives. */
  missing(id: string): void
  /** They were written and are in no look. Returns those that nobody says are over. */
  unseen(ids: readonly string[], signal: AbortSignal): Promise<readonly string[]>
  /** What others say of it may come yet: only a new record tells a life that is put again from the one before. */
  isDoubtful(id: string): boolean
  /** It is written, or was put again in this run. */
  forget(id: string): void
  /** The first list has those too that ZooKeeper does not have yet. */
  list(): Promise<void>
  /** True when a look that began then shows what others wrote while we were away. */
  isSeenBy(takenAt: number): boolean
  /** Gives up what others say is over. To be called after a look: what came before the notice is in the look. */
  heed(signal: AbortSignal): Promise<void>
  /** After both it is known what others wrote while we were away. */
  bringBack(): Promise<void>
  /** To be called every second or so while all members can be seen. */
  tick(signal: AbortSignal): Promise<void>
  /** Nothing is missing, and what we were told is done. */
  isHome(): boolean
}

export interface ReturningDeps {
  readonly own: Pick<EmbeddedRegistry, 'find' | 'ids'>
  readonly notices: Pick<Notices, 'read' | 'discard'>
  /** Who is listed at an address. */
  readonly ownerAt: (key: string) => Target | undefined
  readonly giveUp: (mine: Target, loss: Loss) => void
  /** It is on its way out of the journal. */
  readonly isGivenUp: (mine: Target) => boolean
  /** It belongs into the list. */
  readonly onList: (id: string) => void
  /** It is decided what becomes of it. */
  readonly onDecided: (id: string) => void
  readonly clock: Clock
}

/** What was read at one time, and what was given up for it. */
interface Heeded {
  readonly notices: readonly SeenNotice[]
  readonly gone: readonly Target[]
  readonly at: number
}

/** Who took a registration over, ended it and told us so did not do all three at once. */
const missingMs = 1_000
const heededMs = 30_000

export function createReturning(deps: ReturningDeps): Returning {
  const { own, notices, ownerAt, giveUp, isGivenUp, onDecided, clock } = deps
  const away = new Set<string>()
  /** Those of them of whom it is known that nobody has them. */
  const mayComeBack = new Set<string>()
  const suspects = new Set<string>()
  const missingSince = new Map<string, number>()
  /** Notices that can go as soon as what they say is in the journal. */
  let heeded: readonly Heeded[] = []
  let awaySince = clock.monotonic()

  function forget(id: string): void {
    away.delete(id)
    mayComeBack.delete(id)
    missingSince.delete(id)
    suspects.delete(id)
  }

  const isDoubtful = (id: string): boolean => away.has(id) || suspects.has(id)

  function decide(id: string): void {
    missingSince.delete(id)
    const mine = own.find(id)
    if (mine !== undefined && isGivenUp(mine)) return
    const owner = mine === undefined ? undefined : ownerAt(addressKey(mine.registration))
    if (mine !== undefined && owner?.state === 'listed' && owner.registration.id !== id) {
      giveUp(mine, { kind: 'evicted', by: owner.registration.id })
      return
    }
    if (mine === undefined) away.delete(id)
    else if (away.has(id)) mayComeBack.add(id)
    onDecided(id)
  }

  /** Exactly that record: whoever was put again since has another one. */
  async function heed(signal: AbortSignal): Promise<void> {
    const told = await notices.read(signal)
    const breathe = breather()
    const gone: Target[] = []
    for (const [record, id] of told.over) {
      const mine = own.find(id)
      if (mine?.order === record && isDoubtful(id)) {
        // Until it is out of the journal it stays one of those of whom others know better.
        if (!isGivenUp(mine)) giveUp(mine, { kind: 'over' })
        gone.push(mine)
      }
      await breathe()
    }
    if (told.notices.length > 0) heeded = [...heeded, { notices: told.notices, gone, at: clock.monotonic() }]
  }

  /**
   * Not sooner: a process that dies before its journal is written has to hear it again, and so has whoever learns a little
   * later that another of its sessions is lost.
   */
  async function discardHeeded(signal: AbortSignal): Promise<void> {
    for (const one of heeded) {
      if (one.at + heededMs > clock.monotonic()) continue
      if (one.gone.some((mine) => own.find(mine.registration.id)?.order === mine.order)) continue
      await notices.discard(one.notices, signal)
      heeded = heeded.filter((other) => other !== one)
    }
  }

  async function bringMissing(signal: AbortSignal): Promise<void> {
    const before = clock.monotonic() - missingMs
    const some = [...missingSince].flatMap(([id, since]) => (since <= before ? [id] : []))
    if (some.length === 0) return
    await heed(signal)
    const breathe = breather()
    for (const id of some) {
      if (missingSince.has(id)) decide(id)
      await breathe()
    }
  }

  return {
    has: (id) => away.has(id),
    isUndecided: (id) => away.has(id) && !mayComeBack.has(id) && own.find(id)?.state === 'listed',
    addAll: async () => {
      const breathe = breather()
      for (const id of own.ids()) {
        away.add(id)
        await breathe()
      }
    },
    lost: (ids) => {
      for (const id of ids) {
        forget(id)
        away.add(id)
      }
      awaySince = clock.monotonic()
    },
    missing: (id) => {
      away.add(id)
      mayComeBack.delete(id)
      missingSince.set(id, clock.monotonic())
    },
    unseen: async (ids, signal) => {
      for (const id of ids) suspects.add(id)
      await heed(signal)
      return ids.filter((id) => {
        const mine = own.find(id)
        return suspects.delete(id) && (mine === undefined || !isGivenUp(mine))
      })
    },
    isDoubtful,
    forget,
    list: async () => {
      const breathe = breather()
      for (const id of [...away]) {
        const mine = own.find(id)
        if (away.has(id) && mine !== undefined && !isGivenUp(mine)) deps.onList(id)
        await breathe()
      }
    },
    isSeenBy: (takenAt) => takenAt >= awaySince,
    heed,
    bringBack: async () => {
      const breathe = breather()
      const since = awaySince
      for (const id of [...away]) {
        // Lost again meanwhile: the next look decides.
        if (awaySince !== since) return
        if (!missingSince.has(id)) decide(id)
        await breathe()
      }
    },
    tick: async (signal) => {
      await bringMissing(signal)
      await discardHeeded(signal)
    },
    isHome: () => away.size === 0 && heeded.length === 0,
  }
}
