import { addressKey, type Quarantined, type Target } from '../model/target.ts'
import { createBell } from '../runtime/bell.ts'
import { breather } from '../runtime/breathe.ts'
import { describeError } from '../runtime/errors.ts'
import { poll } from '../runtime/poll.ts'
import { together } from '../runtime/together.ts'
import { decodeMember, encodeMember } from '../targets/member-document.ts'
import { memberPath } from '../targets/member-name.ts'
import type { TreeNode } from '../zookeeper/tree-read.ts'
import { watchTree } from '../zookeeper/tree-watch.ts'
import { type Challenge, createChallenge } from './challenge.ts'
import type { EmbeddedRegistry } from './embedded.ts'
import { createIdentityBook, type Probe } from './identity-book.ts'
import { createMemberBoard, type Loss, type MemberBoard } from './member-board.ts'
import { createSessionShards, type SessionShards, type SessionShardsDeps } from './session-shards.ts'

export interface SharedTreeDeps
  extends Pick<
    SessionShardsDeps,
    'root' | 'chroot' | 'holder' | 'saved' | 'open' | 'save' | 'limits' | 'clock' | 'logger'
  > {
  readonly lingerMs: number
  readonly holdMs: number
  /** Looks which process is behind a member of others. */
  readonly probe?: Probe
  /** What is registered here; the registrations of the earlier process are in it already. */
  readonly own: Pick<EmbeddedRegistry, 'find' | 'ownerAt' | 'ids'>
  readonly guard: (ip: string) => string | undefined
  /** True when `own` has all that it ever acknowledged. */
  readonly isOwnWhole: () => boolean
  readonly onLoss: (target: Target, loss: Loss) => void
  readonly onEvicted: (target: Target, by: string) => void
  readonly onAdopt: (target: Target) => void
  readonly onChange: () => void
}

/** What this replica has in ZooKeeper together with what everybody else has there, for one run. */
export interface SharedTree {
  readonly board: MemberBoard
  readonly shards: SessionShards
  /** Branches that we may not look at: what was in them before stays. */
  unreadable(): readonly Quarantined[]
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
  /**
   * Resolves when the board shows whatever anybody had written before the call.
   *
   * @throws UnavailableError
   */
  caughtUp(signal: AbortSignal): Promise<void>
  /** Who says to have it in the znode that counts for an id. */
  holderOf(id: string): string | undefined
  /** Owners of addresses, in other replicas, whose process is not there any more: see `Challenge`. */
  readonly challenge: Challenge
  /** Put again in this run: it is newer than what others wrote. */
  refresh(id: string): void
  run(signal: AbortSignal): Promise<void>
}

const tickMs = 1_000
const againMs = 1_000

export function createSharedTree(deps: SharedTreeDeps): SharedTree {
  const { root, holder, own, clock, logger, probe, onChange } = deps
  const identities = probe === undefined ? undefined : createIdentityBook({ probe, clock })
  const changes = createBell()
  const waiting: Parameters<MemberBoard['take']>[0][] = []
  /** From an earlier process or session: to be written again unless somebody else has written something newer. */
  const restored = new Set<string>()
  /** Those of them of whom it is known that nobody has. */
  const mayComeBack = new Set<string>()
  let restoredAt = clock.monotonic()
  /** Lost to others, and not yet out of the journal. */
  const givenUp = new Map<string, Target>()
  /** Written, and not yet seen in the tree; true: for a second or longer. */
  const unseen = new Map<string, boolean>()
  let isTaking = false
  let hasView = false
  let foundMembers = false
  let confirmedAt = clock.monotonic()

  const shards = createSessionShards({
    ...deps,
    mayWrite: () => hasView,
    wanted: (id) => {
      const target = own.find(id)
      return target?.state === 'listed' && givenUp.get(id) !== target ? target.registration : undefined
    },
    isUndecided: (id) => restored.has(id) && !mayComeBack.has(id) && own.find(id)?.state === 'listed',
    onPlaced: (id) => {
      restored.delete(id)
      mayComeBack.delete(id)
      unseen.set(id, false)
      board.takeOwn(id)
      onChange()
    },
    onExpired: (ids) => {
      for (const id of ids) {
        restored.add(id)
        mayComeBack.delete(id)
      }
      restoredAt = clock.monotonic()
      tree.refresh()
    },
  })
  const zookeeper = shards.first
  const tree = watchTree(zookeeper, { root }, { clock, logger })
  const board: MemberBoard = createMemberBoard({
    ...deps,
    ...(identities && { identities }),
    tickMs,
    own: own.find,
    ownAt: own.ownerAt,
    placed: shards.placed,
    isRestored: (id) => restored.has(id),
    isOurSession: shards.isOurs,
    onLoss: giveUp,
    onOrphan: (seen, target) => {
      const { id } = target.registration
      // A look from before its end.
      if (shards.has(id)) return false
      if (hasView || deps.isOwnWhole()) {
        shards.sweep(id, seen)
        return false
      }
      deps.onAdopt(target)
      return true
    },
    onEnd: (id, marked) => {
      if (!shards.isLeaving(marked.path)) shards.bury(id, marked)
    },
    onFound: (path, { data, czxid, mzxid, ephemeralOwner }, { registration, state }) => {
      if (state !== 'listed' || path !== `${root}/${memberPath(registration, registration.incarnation)}`) return false
      if (!data.equals(encodeMember(registration, 'ALIVE', holder))) return false
      shards.adopt({ path, registration, czxid, mzxid }, ephemeralOwner)
      return true
    },
    onMissing: bringAgain,
    onLeftover: shards.sweep,
  })

  function giveUp(mine: Target, loss: Loss): void {
    givenUp.set(mine.registration.id, mine)
    deps.onLoss(mine, loss)
  }

  async function restoreAll(): Promise<void> {
    const breathe = breather()
    for (const id of own.ids()) {
      restored.add(id)
      await breathe()
    }
  }

  /** The first list has those too that ZooKeeper does not have yet. */
  async function listRestored(): Promise<void> {
    const breathe = breather()
    for (const id of [...restored]) {
      if (restored.has(id)) board.takeOwn(id)
      await breathe()
    }
  }

  /** After a full look it is known what others wrote while we were away. */
  async function bringBack(): Promise<void> {
    const breathe = breather()
    for (const id of [...restored]) {
      const mine = own.find(id)
      const owner = mine === undefined ? undefined : board.claims.ownerOf(addressKey(mine.registration))
      const isTaken = owner?.state === 'listed' && owner.registration.id !== id
      if (mine !== undefined && isTaken) giveUp(mine, { kind: 'evicted', by: owner.registration.id })
      else {
        if (mine === undefined) restored.delete(id)
        else if (restored.has(id)) mayComeBack.add(id)
        shards.touch(id)
      }
      await breathe()
    }
  }

  /**
   * What was deleted before the tree had ever seen it is no loss to the tree. A member is missing when it is in none of
   * two looks a second apart.
   */
  async function lookForMissing(): Promise<void> {
    const nodes = tree.view()?.nodes
    if (nodes === undefined || !tree.isCurrent()) return
    const breathe = breather()
    for (const [id, wasMissing] of unseen) {
      const member = shards.placed(id)
      if (member === undefined || nodes.has(member.path)) unseen.delete(id)
      else if (wasMissing) bringAgain(id)
      else unseen.set(id, true)
      await breathe()
    }
  }

  function bringAgain(id: string): void {
    unseen.delete(id)
    shards.forget(id)
    shards.touch(id)
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
    await restoreAll()
    const heard = changes.listen(signal)
    for (;;) {
      for (let change = waiting.shift(); change !== undefined; change = waiting.shift()) {
        isTaking = true
        await board.take(change)
        if (change.view.isRootMissing) await makeRoot(signal)
        else if (change.isFullSync) {
          if (!hasView) {
            foundMembers = hasEphemeral(change.view.nodes.values())
            await listRestored()
          }
          hasView = true
          if (change.view.takenAt >= restoredAt) await bringBack()
          shards.wake()
        }
        isTaking = false
        onChange()
      }
      if ((await heard.next()).done) return
    }
  }

  /** Ours are looked at where they are kept. */
  function ownerElsewhere(key: string): Target | undefined {
    const owner = board.claims.ownerOf(key)
    return owner === undefined || own.find(owner.registration.id) !== undefined ? undefined : owner
  }

  return {
    board,
    shards,
    challenge:
      identities === undefined ? async () => [] : createChallenge({ clock, identities, ownerAt: ownerElsewhere }),
    hasView: () => hasView,
    unreadable: () =>
      Array.from(tree.view()?.unreadable ?? [], ([where, code]) => ({ where, why: `it cannot be read: ${code}` })),
    foundMembers: () => foundMembers,
    confirmedAt: () => {
      if (tree.isCurrent()) confirmedAt = clock.monotonic()
      return confirmedAt
    },
    caughtUp: async (signal) => {
      await tree.caughtUp(signal)
      while ((waiting.length > 0 || isTaking) && !signal.aborted) await clock.sleep(10, signal)
    },
    holderOf: (id) => {
      const life = board.claims.lifeOf(id)?.registration
      const relative = life === undefined ? '' : memberPath(life, life.incarnation)
      const node = tree.view()?.nodes.get(`${root}/${relative}`)
      const member = node === undefined ? undefined : decodeMember(relative, node.data)
      return member?.kind === 'alive' ? member.holder : undefined
    },
    refresh: (id) => {
      restored.delete(id)
      givenUp.delete(id)
    },
    ownChanged: (id, before, isAnnounced) => {
      givenUp.delete(id)
      board.takeOwn(id)
      if (own.find(id) === undefined && before !== undefined && isAnnounced) shards.end(before.registration)
      else shards.touch(id)
      onChange()
    },
    run: async (signal) => {
      const stopWatching = tree.onChange((change) => {
        waiting.push(change)
        changes.ring()
      })
      try {
        await together(signal, [
          shards.run,
          async (both) => {
            await makeRoot(both)
            await tree.run(both)
          },
          takeChanges,
          (both) =>
            poll({ intervalMs: tickMs, clock }, both, async () => {
              await lookForMissing()
              if (!tree.isCurrent()) return
              confirmedAt = clock.monotonic()
              if (await board.tick()) onChange()
            }),
          async (both) => identities?.run(both),
        ])
      } finally {
        stopWatching()
      }
    },
  }
}

function hasEphemeral(nodes: Iterable<TreeNode>): boolean {
  for (const { ephemeralOwner } of nodes) if (ephemeralOwner !== 0n) return true
  return false
}
