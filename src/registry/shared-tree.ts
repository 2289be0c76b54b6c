import type { Registration } from '../model/registration.ts'
import type { Quarantined, Target } from '../model/target.ts'
import { createBell } from '../runtime/bell.ts'
import { breather } from '../runtime/breathe.ts'
import { describeError } from '../runtime/errors.ts'
import { poll } from '../runtime/poll.ts'
import { together } from '../runtime/together.ts'
import { encodeMember, type Held } from '../targets/member-document.ts'
import { memberPath } from '../targets/member-name.ts'
import type { TreeNode } from '../zookeeper/tree-read.ts'
import { watchTree } from '../zookeeper/tree-watch.ts'
import { type Challenge, createChallenge } from './challenge.ts'
import type { EmbeddedRegistry } from './embedded.ts'
import { createHeldElsewhere, type HeldElsewhere } from './held-elsewhere.ts'
import { createIdentityBook, type Probe } from './identity-book.ts'
import { createMemberBoard, type Loss, type MemberBoard } from './member-board.ts'
import { createNotices, type Notices, type NoticesDeps } from './notices.ts'
import { createReturning } from './returning.ts'
import { createSessionShards, type SessionShards, type SessionShardsDeps } from './session-shards.ts'

export interface SharedTreeDeps
  extends Pick<SessionShardsDeps, 'root' | 'chroot' | 'saved' | 'open' | 'save' | 'limits' | 'clock' | 'logger'> {
  /** Our name; it stands in all that we write. */
  readonly holder: string | undefined
  /** What we hold outlives this process. */
  readonly isKept: boolean
  readonly presence: NoticesDeps['presence']
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
  readonly elsewhere: HeldElsewhere
  /** For replicas that are away. */
  readonly notices: Pick<Notices, 'note' | 'end' | 'written'>
  /** Owners of addresses, in other replicas, whose process is not there any more: see `Challenge`. */
  readonly challenge: Challenge
  /**
   * It is being put again: that is newer than what others wrote. True when it is not known yet what others say of the life
   * that we had: only a new record tells the two apart.
   */
  refresh(id: string): boolean
  run(signal: AbortSignal): Promise<void>
}

const tickMs = 1_000
const againMs = 1_000

export function createSharedTree(deps: SharedTreeDeps): SharedTree {
  const { root, holder, own, clock, logger, probe, onChange } = deps
  const identities = probe === undefined ? undefined : createIdentityBook({ probe, clock })
  const changes = createBell()
  const waiting: Parameters<MemberBoard['take']>[0][] = []
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
    held: heldHere,
    onHandover: (handover) => void (handover.from.holder !== holder && notices.note(handover)),
    mayWrite: () => hasView,
    wanted: (id) => {
      const target = own.find(id)
      return target?.state === 'listed' && givenUp.get(id) !== target ? target.registration : undefined
    },
    isUndecided: (id) => returning.isUndecided(id),
    onPlaced: (id) => {
      returning.forget(id)
      unseen.set(id, false)
      board.takeOwn(id)
      onChange()
    },
    onExpired: (ids) => {
      returning.lost(ids)
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
    isRestored: (id) => returning.has(id),
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
      if (!data.equals(encodeMember(registration, 'ALIVE', heldHere(registration)))) return false
      shards.adopt({ path, registration, czxid, mzxid }, ephemeralOwner)
      return true
    },
    onMissing: (id) => {
      unseen.delete(id)
      shards.forget(id)
      returning.missing(id)
    },
    onLeftover: shards.sweep,
    onGone: (target, node) => elsewhere.lost(target, node),
    onAnnounced: (id) => notices.end(id),
  })
  const elsewhere = createHeldElsewhere({
    root,
    self: holder,
    claims: board.claims,
    nodes: () => tree.view()?.nodes,
  })
  const notices = createNotices({ ...deps, zookeeper, self: holder, isHome: () => hasView && returning.isHome() })
  const returning = createReturning({
    own,
    notices,
    ownerAt: board.claims.ownerOf,
    giveUp,
    isGivenUp: (mine) => givenUp.get(mine.registration.id) === mine,
    onList: board.takeOwn,
    onDecided: shards.touch,
    clock,
  })

  function heldHere(one: Registration): Held | undefined {
    if (holder === undefined) return undefined
    const mine = deps.isKept ? own.find(one.id) : undefined
    return { holder, ...(mine?.registration === one && { record: mine.order }) }
  }

  function giveUp(mine: Target, loss: Loss): void {
    givenUp.set(mine.registration.id, mine)
    deps.onLoss(mine, loss)
  }

  /**
   * What was deleted before the tree had ever seen it is no loss to the tree. A member is missing when it is in none of
   * two looks a second apart.
   */
  async function lookForMissing(signal: AbortSignal): Promise<void> {
    const nodes = tree.view()?.nodes
    if (nodes === undefined || !tree.isCurrent()) return
    const breathe = breather()
    const missing: string[] = []
    for (const [id, wasMissing] of unseen) {
      const member = shards.placed(id)
      if (member === undefined || nodes.has(member.path)) unseen.delete(id)
      else if (wasMissing) missing.push(id)
      else unseen.set(id, true)
      await breathe()
    }
    for (const id of missing.length === 0 ? [] : await returning.unseen(missing, signal)) {
      unseen.delete(id)
      shards.forget(id)
      shards.touch(id)
    }
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
    await returning.addAll()
    const heard = changes.listen(signal)
    for (;;) {
      for (let change = waiting.shift(); change !== undefined; change = waiting.shift()) {
        isTaking = true
        await board.take(change)
        if (change.view.isRootMissing) await makeRoot(signal)
        else if (change.isFullSync) {
          const isSeen = (): boolean => returning.isSeenBy(change.view.takenAt)
          if (isSeen() || !hasView) await returning.heed(signal)
          if (!hasView) {
            foundMembers = hasEphemeral(change.view.nodes.values())
            await returning.list()
          }
          hasView = true
          if (isSeen()) await returning.bringBack()
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
    elsewhere,
    notices,
    refresh: (id) => {
      const isDoubtful = returning.isDoubtful(id)
      returning.forget(id)
      givenUp.delete(id)
      return isDoubtful
    },
    ownChanged: (id, before, isAnnounced) => {
      givenUp.delete(id)
      board.takeOwn(id)
      if (own.find(id) === undefined) returning.forget(id)
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
              await lookForMissing(both)
              if (!tree.isCurrent()) return
              await returning.tick(both)
              confirmedAt = clock.monotonic()
              if (await board.tick()) onChange()
            }),
          async (both) => identities?.run(both),
          notices.run,
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
