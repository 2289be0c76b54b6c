import { addressKey, type Target } from '../model/target.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import { encodeMember } from '../targets/member-document.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import type { SessionCredentials, StateChange } from '../zookeeper/state.ts'
import type { TreeNode } from '../zookeeper/tree-read.ts'
import { watchTree } from '../zookeeper/tree-watch.ts'
import { createBell } from './bell.ts'
import { createMemberBoard, type Loss, type MemberBoard } from './member-board.ts'
import { createMemberPlacer, type MemberPlacer } from './member-placer.ts'
import { createMemberWriter, type MemberWriter } from './member-writer.ts'
import type { OwnIndex } from './own-index.ts'
import { together } from './together.ts'

export interface SharedTreeDeps {
  readonly zookeeper: Zookeeper
  readonly root: string
  readonly lingerMs: number
  readonly own: OwnIndex
  readonly savedSession: SessionCredentials | undefined
  readonly guard: (ip: string) => string | undefined
  /** Resolves when the registrations of the earlier process are in `own`. */
  readonly ownReady: (signal: AbortSignal) => Promise<void>
  /** True when `own` has all that it ever acknowledged. */
  readonly isOwnWhole: () => boolean
  readonly onLoss: (target: Target, loss: Loss) => void
  readonly onAdopt: (target: Target) => void
  /** Resolves when a later process can take the session over; nothing is written with it before. */
  readonly saveSession: (session: SessionCredentials) => Promise<void>
  readonly onChange: () => void
  readonly clock: Clock
  readonly logger: Logger
}

/** What this replica has in ZooKeeper together with what everybody else has there, for one run. */
export interface SharedTree {
  readonly board: MemberBoard
  readonly placer: MemberPlacer
  readonly writer: MemberWriter
  /** True from the first complete look on. */
  hasView(): boolean
  /**
   * Whether anybody's members were there at the first look: a truth from before. Without any either nobody is registered,
   * or all sessions have ended, and other replicas may be about to put back what they know.
   */
  foundMembers(): boolean
  /** Monotonic milliseconds at which the view was last known to be the truth. */
  confirmedAt(): number
  /** A registration of ours has come, changed or gone; `isAnnounced`: its end was. */
  ownChanged(id: string, before: Target | undefined, isAnnounced: boolean): void
  /** Put again in this run: it is newer than what others wrote. */
  refresh(id: string): void
  run(signal: AbortSignal): Promise<void>
}

const tickMs = 1_000
const againMs = 1_000

export function createSharedTree(deps: SharedTreeDeps): SharedTree {
  const { zookeeper, root, own, clock, logger, onChange } = deps
  const tree = watchTree(zookeeper, { root }, { clock, logger })
  const writer = createMemberWriter(zookeeper, root)
  const changes = createBell()
  const waiting: Parameters<MemberBoard['take']>[0][] = []
  const sessions = new Set<bigint>(deps.savedSession === undefined ? [] : [deps.savedSession.id])
  /** From an earlier process or session: to be written again unless somebody else has written something newer. */
  let restored = new Set<string>()
  /** Those of them of whom it is known that nobody has. */
  let mayComeBack = new Set<string>()
  let savedSession = deps.savedSession?.id
  let saving = Promise.resolve()
  let unseen: ReadonlySet<string> = new Set()
  let hasView = false
  let foundMembers = false
  let confirmedAt = clock.monotonic()

  const placer = createMemberPlacer({
    writer,
    isConnected: () => zookeeper.state() === 'connected' && hasView && zookeeper.session()?.id === savedSession,
    wanted: (id) => {
      if (restored.has(id) && !mayComeBack.has(id)) return undefined
      const target = own.get(id)
      return target?.state === 'listed' ? target.registration : undefined
    },
    onPlaced: (id) => {
      restored.delete(id)
      board.takeOwn(id)
      onChange()
    },
    clock,
    logger,
  })
  const board: MemberBoard = createMemberBoard({
    ...deps,
    own: own.get,
    ownAt: own.at,
    placed: placer.placed,
    isRestored: (id) => restored.has(id),
    isOurSession: (id) => sessions.has(id),
    onOrphan: (path, _, target) => {
      if (deps.isOwnWhole()) {
        placer.sweep(path)
        return false
      }
      deps.onAdopt(target)
      return true
    },
    onFound: (path, { data, czxid, mzxid, ephemeralOwner }, { registration, state }) => {
      const isPresent = ephemeralOwner === zookeeper.session()?.id && state === 'listed'
      if (isPresent && data.equals(encodeMember(registration))) placer.adopt({ path, registration, czxid, mzxid })
    },
    onMissing: bringAgain,
    onLeftover: placer.sweep,
  })

  function restoreAll(): void {
    placer.forgetAll()
    restored = new Set(own.ids())
    mayComeBack = new Set()
    for (const id of restored) board.takeOwn(id)
  }

  /** After a full look it is known what others wrote while we were away. */
  function bringBack(): void {
    for (const id of [...restored]) {
      const mine = own.get(id)
      if (mine === undefined) restored.delete(id)
      else {
        const owner = board.claims.ownerOf(addressKey(mine.registration))
        const isTaken = owner?.state === 'listed' && owner.registration.id !== id
        if (isTaken) deps.onLoss(mine, { kind: 'evicted', by: owner.registration.id })
        else {
          mayComeBack.add(id)
          placer.touch(id)
        }
      }
    }
  }

  /**
   * What was deleted before the tree had ever seen it is no loss to the tree. A member is missing when it is in none of
   * two looks a second apart.
   */
  function lookForMissing(): void {
    const nodes = tree.view()?.nodes
    if (nodes === undefined || !tree.isCurrent()) return
    const missing = new Set<string>()
    for (const { path, registration } of placer.all()) {
      if (nodes.has(path)) continue
      if (unseen.has(path)) bringAgain(registration.id)
      else missing.add(path)
    }
    unseen = missing
  }

  function bringAgain(id: string): void {
    placer.forget(id)
    placer.touch(id)
  }

  function onState(change: StateChange): void {
    if (change.state === 'expired' || (change.state === 'connected' && change.isNewSession)) restoreAll()
    const session = zookeeper.session()
    if (change.state !== 'connected' || session === undefined) return
    sessions.add(session.id)
    saving = saving.then(() => save(session))
  }

  async function save(session: SessionCredentials): Promise<void> {
    if (session.id !== savedSession) await deps.saveSession(session)
    savedSession = session.id
    placer.wake()
  }

  /** Readers of others watch the root, and an empty one is not the same as none. */
  async function makeRoot(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await zookeeper.makeChroot({ signal })
        await zookeeper.makeDirectories(root, { signal })
        return
      } catch (error) {
        if (signal.aborted) return
        if (failures === 0) logger.warn({ error: describeError(error) }, 'ZooKeeper cannot be written yet')
        await clock.sleep(againMs, signal)
      }
    }
  }

  async function takeChanges(signal: AbortSignal): Promise<void> {
    await deps.ownReady(signal)
    restoreAll()
    const heard = changes.listen(signal)
    for (;;) {
      for (let change = waiting.shift(); change !== undefined; change = waiting.shift()) {
        await board.take(change)
        if (change.view.isRootMissing) await makeRoot(signal)
        else if (change.isFullSync) {
          foundMembers ||= !hasView && hasEphemeral(change.view.nodes.values())
          hasView = true
          bringBack()
        }
        onChange()
      }
      if ((await heard.next()).done) return
    }
  }

  return {
    board,
    placer,
    writer,
    hasView: () => hasView,
    foundMembers: () => foundMembers,
    confirmedAt: () => {
      if (tree.isCurrent()) confirmedAt = clock.monotonic()
      return confirmedAt
    },
    refresh: (id) => {
      restored.delete(id)
    },
    ownChanged: (id, before, isAnnounced) => {
      board.takeOwn(id)
      if (own.get(id) === undefined && before !== undefined && isAnnounced) placer.end(before.registration)
      else placer.touch(id)
      onChange()
    },
    run: async (signal) => {
      const stopListening = zookeeper.onState(onState)
      const stopWatching = tree.onChange((change) => {
        waiting.push(change)
        changes.ring()
      })
      try {
        await together(signal, [
          zookeeper.run,
          async (both) => {
            await makeRoot(both)
            await tree.run(both)
          },
          takeChanges,
          placer.run,
          (both) =>
            poll({ intervalMs: tickMs, clock }, both, async () => {
              if (tree.isCurrent()) confirmedAt = clock.monotonic()
              lookForMissing()
              if (await board.tick()) onChange()
            }),
        ])
      } finally {
        stopListening()
        stopWatching()
        await saving
      }
    },
  }
}

function hasEphemeral(nodes: Iterable<TreeNode>): boolean {
  for (const { ephemeralOwner } of nodes) if (ephemeralOwner !== 0n) return true
  return false
}
