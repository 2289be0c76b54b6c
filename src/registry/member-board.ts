import { compareLives, type Incarnation } from '../model/registration.ts'
import { addressKey, type Quarantined, type Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import { type Claims, createClaims } from '../targets/claims.ts'
import { idOf } from '../targets/identity.ts'
import { decodeMember } from '../targets/member-document.ts'
import { parseMemberPath } from '../targets/member-name.ts'
import { parseAddress } from '../targets/parse-address.ts'
import type { TargetReport } from '../targets/target-report.ts'
import { forgetData, type TreeNode } from '../zookeeper/tree-read.ts'
import type { TreeChange } from '../zookeeper/tree-view.ts'
import { mayEnd } from './batch.ts'
import { createMemberLosses, type MemberLosses, type MemberLossesDeps } from './member-losses.ts'
import type { PlacedMember, SeenZnode } from './member-writer.ts'

/** Why a registration of ours is given up. */
export type Loss =
  /** Another replica holds the same life now: the registrant speaks to that one. */
  | { readonly kind: 'taken over' }
  /** `over`: it moved or ended while this replica was away. */
  | { readonly kind: 'superseded' | 'ended' | 'over' }
  | { readonly kind: 'evicted'; readonly by: string }

export interface MemberBoardDeps extends Omit<MemberLossesDeps, 'claims'> {
  readonly root: string
  /** Why others may not register an address; undefined when they may. */
  readonly guard: (ip: string) => string | undefined
  readonly own: (id: string) => Target | undefined
  readonly ownAt: (key: string) => Target | undefined
  readonly placed: (id: string) => PlacedMember | undefined
  /** True for ours that come from an earlier process or session: what others wrote meanwhile is newer. */
  readonly isRestored: (id: string) => boolean
  /** True for a session of this process, or the one it was given by the process before. */
  readonly isOurSession: (id: bigint) => boolean
  /** A member of others is gone without a word. */
  readonly onGone: (target: Target, node: TreeNode) => void
  /** The end of this id was announced, be it here or elsewhere. */
  readonly onAnnounced: (id: string) => void
  /** A member of others has lost its address to another id. */
  readonly onEvicted: (target: Target, by: string) => void
  readonly onLoss: (target: Target, loss: Loss) => void
  /** Our session's, but nobody here knows it. False: nobody wants it. */
  readonly onOrphan: (seen: SeenZnode, target: Target) => boolean
  /** True: it stands there just as we would write it, since before this process or session began. */
  readonly onFound: (path: string, node: TreeNode, mine: Target) => boolean
  /** Our registration is not where it was. */
  readonly onMissing: (id: string) => void
  /** An older life of a registration of ours. */
  readonly onLeftover: (id: string, seen: SeenZnode) => void
  /** Our session's, and marked as ended. */
  readonly onEnd: (id: string, marked: SeenZnode) => void
}

/** All members of all replicas and of whoever else writes znodes, and which of them are listed. */
export interface MemberBoard extends Pick<MemberLosses, 'tick' | 'release'> {
  readonly claims: Claims
  take(change: TreeChange): Promise<void>
  /** Ours has changed: see `own`. */
  takeOwn(id: string): void
  /** The end of one that nobody holds any more was announced. */
  forgetLost(id: string): void
  quarantined(): readonly Quarantined[]
  report(id: string): TargetReport
}

export function createMemberBoard(deps: MemberBoardDeps): MemberBoard {
  const { root, own, placed, isOurSession } = deps
  const claims = createClaims()
  const losses = createMemberLosses({ ...deps, claims })
  const bad = new Map<string, string>()

  function look(path: string, node: TreeNode): void {
    const found = read(path, node)
    bad.delete(path)
    if (found !== undefined && 'why' in found) bad.set(path, found.why)
    const target = found !== undefined && 'registration' in found ? found : undefined
    if (target !== undefined) evict(target)
    claims.set(path, target)
    if (target === undefined) return
    losses.learn(target.registration)
    welcome(target)
  }

  /** What a znode claims; undefined when it claims nothing. */
  function read(path: string, node: TreeNode): Target | { readonly why: string } | undefined {
    const relative = path.slice(root.length + 1)
    const isDirectory = relative.split('/').length < 3
    if (isDirectory) return node.data.length === 0 ? undefined : { why: 'a directory must be empty' }
    if (isOurSession(node.ephemeralOwner) && isAsWeWroteIt(path, node)) {
      // A hundred thousand documents that say what we know anyway.
      forgetData(node)
      return undefined
    }
    const member = decodeMember(relative, node.data)
    if (member.kind === 'quarantined') return member
    if (member.kind === 'ended') {
      noticeEnd(path, node, member.id)
      return undefined
    }
    const { registration } = member
    const target: Target = { registration, state: 'listed', order: Number(node.czxid) }
    const isOurs = isOurSession(node.ephemeralOwner)
    const mine = own(registration.id)
    if (mine !== undefined && isAboutOurs(path, node, target, mine)) return undefined
    if (mine === undefined && isOurs && !deps.onOrphan({ path, mzxid: node.mzxid }, target)) return undefined
    const why = isOurs ? undefined : deps.guard(parseAddress(registration.address)?.host ?? '')
    return why === undefined ? target : { why }
  }

  /** Most of a long tree: such a document need not be read. */
  function isAsWeWroteIt(path: string, node: TreeNode): boolean {
    const id = likelyId(path.slice(root.length + 1))
    const mine = own(id)
    if (mine === undefined) return false
    const ours = placed(id)
    if (ours === undefined) return deps.onFound(path, node, mine)
    return ours.path === path && ours.mzxid === node.mzxid && ours.registration === mine.registration
  }

  /** The same identity as one of ours: true when the znode says nothing that we do not say ourselves. */
  function isAboutOurs(path: string, node: TreeNode, found: Target, mine: Target): boolean {
    const ours = placed(found.registration.id)
    const isForeign = !isOurSession(node.ephemeralOwner)
    // Looked at before our own last write: it says nothing about now. Of who is lost there is nothing of ours any more.
    const isLater =
      ours === undefined ? mine.state !== 'listed' || deps.isRestored(mine.registration.id) : node.mzxid > ours.mzxid
    if (found.registration.incarnation === mine.registration.incarnation) {
      if (!isForeign || (!isLater && mine.state === 'listed')) return true
      deps.onLoss(mine, { kind: 'taken over' })
      return false
    }
    if (isNewer(found.registration.incarnation, mine, isLater)) {
      deps.onLoss(mine, { kind: 'superseded' })
      return false
    }
    deps.onLeftover(found.registration.id, { path, mzxid: node.mzxid })
    return true
  }

  function noticeEnd(path: string, node: TreeNode, id: string): void {
    deps.onAnnounced(id)
    const mine = own(id)
    const ours = placed(id)
    const isLater = ours === undefined ? deps.isRestored(id) : ours.path === path && node.mzxid > ours.mzxid
    const isOfLost = mine !== undefined && mine.state !== 'listed' && isEndOf(path, mine)
    if (mine !== undefined && (isLater || isOfLost)) deps.onLoss(mine, { kind: 'ended' })
    if (isOurSession(node.ephemeralOwner)) deps.onEnd(id, { path, mzxid: node.mzxid })
    const ended = claims.at(path)
    if (ended !== undefined) losses.end(ended, 'its end was announced')
    losses.forget(id)
  }

  /** A mark that an older life has left says nothing about this one. */
  function isEndOf(path: string, { registration }: Target): boolean {
    const name = parseMemberPath(path.slice(root.length + 1))
    return name !== undefined && mayEnd(name.incarnation, registration)
  }

  /** Who comes is no longer lost, and has the address of who had it before. */
  function welcome({ registration, order }: Target): void {
    losses.forget(registration.id)
    const rival = deps.ownAt(addressKey(registration))
    if (rival === undefined || rival.registration.id === registration.id) return
    const ours = placed(rival.registration.id)
    const isLater = ours === undefined ? rival.state !== 'listed' : order > Number(ours.czxid)
    if (isLater) deps.onLoss(rival, { kind: 'evicted', by: registration.id })
  }

  function lookAtRemoved(path: string, node: TreeNode): void {
    const target = claims.at(path)
    bad.delete(path)
    claims.set(path, undefined)
    if (target === undefined || claims.lifeOf(target.registration.id) !== undefined) return
    const owner = claims.ownerOf(addressKey(target.registration))
    if (owner?.state === 'listed') endEvicted(target, owner.registration.id)
    else {
      losses.lose(target)
      deps.onGone(target, node)
    }
  }

  /** Who comes has the address of one that is lost: that one does not come back when the other goes. */
  function evict({ registration: { id }, registration }: Target): void {
    const before = claims.ownerOf(addressKey(registration))
    if (before === undefined || before.state === 'listed' || before.registration.id === id) return
    if (own(before.registration.id) !== undefined) return
    endEvicted(before, id)
    losses.forget(before.registration.id)
  }

  function endEvicted(target: Target, by: string): void {
    losses.end(target, `"${by}" has its address now`)
    deps.onEvicted(target, by)
  }

  return {
    claims,
    forgetLost: losses.forget,
    tick: losses.tick,
    release: losses.release,
    take: async ({ view, added, changed, removed }) => {
      const breathe = breather()
      // What is gone first: a takeover in two steps must not linger beside itself.
      for (const { path, node } of removed) {
        lookAtRemoved(path, node)
        await breathe()
      }
      for (const path of [...added, ...changed]) {
        const node = view.nodes.get(path)
        if (node !== undefined) look(path, node)
        await breathe()
      }
      for (const { path, node } of removed) {
        noticeMissing(path, node)
        await breathe()
      }
    },
    takeOwn: (id) => {
      const mine = own(id)
      const ours = placed(id)
      // Not written yet: as new as can be, or older than whatever was written since.
      const unwritten = deps.isRestored(id) ? 0 : Number.MAX_SAFE_INTEGER
      const order = ours === undefined ? unwritten : Number(ours.czxid)
      if (mine?.state === 'listed') evict(mine)
      // An id is no path of a znode: those begin with a slash.
      claims.set(id, mine === undefined ? undefined : { ...mine, order })
      if (mine !== undefined) losses.disown(id)
      if (mine?.state === 'listed') losses.forget(id)
    },
    quarantined: () => Array.from(bad, ([where, why]) => ({ where, why })),
    report: (id) => {
      const target = claims.lifeOf(id)
      const owner = target === undefined ? undefined : claims.ownerOf(addressKey(target.registration))
      return {
        ...(target && { target }),
        ...(owner !== undefined && owner !== target && { coveredBy: owner.registration.id }),
        ...losses.report(id),
        quarantined: Array.from(bad, ([where, why]) => ({ where, why })).filter(({ where }) => isAbout(where, id)),
      }
    },
  }

  function isAbout(path: string, id: string): boolean {
    const name = parseMemberPath(path.slice(root.length + 1))
    return name !== undefined && idOf(name.identity) === id
  }

  function noticeMissing(path: string, node: TreeNode): void {
    const id = likelyId(path.slice(root.length + 1))
    const ours = placed(id)
    if (ours?.path !== path || node.czxid < ours.czxid) return
    const isAsWritten = node.digest !== undefined
    if (isAsWritten || decodeMember(path.slice(root.length + 1), node.data).kind === 'alive') deps.onMissing(id)
  }
}

/** Whose member a path is if it is one: `parseMemberPath` without a look at every letter. */
function likelyId(relative: string): string {
  const [namespace = '', app = '', name = ''] = relative.split('/')
  const role = name.indexOf('_') + 1
  const instance = name.indexOf('_', role) + 1
  const parts = [namespace, app, name.slice(role, instance - 1), name.slice(instance, name.lastIndexOf('_'))]
  const id = parts.join('/')
  if (!id.includes('%')) return id
  try {
    return parts.map(decodeURIComponent).join('/')
  } catch {
    return id
  }
}

/** Numbers say who is newer; of words the later one is, unless it was superseded. */
function isNewer(incarnation: Incarnation, mine: Target, isLater: boolean): boolean {
  const life = compareLives(incarnation, mine.registration)
  if (/^\d+$/.test(incarnation) && /^\d+$/.test(mine.registration.incarnation)) return life === 'newer'
  return life === 'newer' && isLater
}
