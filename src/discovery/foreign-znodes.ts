import type { Registration } from '../model/registration.ts'
import { addressKey, type RegistryView, type Target } from '../model/target.ts'
import { createBell } from '../runtime/bell.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { together } from '../runtime/together.ts'
import { type ParsedRegistration, withHostAddress } from '../targets/parse-registration.ts'
import type { TargetReport } from '../targets/target-report.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import { parentOf } from '../zookeeper/paths.ts'
import type { TreeNode } from '../zookeeper/tree-read.ts'
import type { TreeChange } from '../zookeeper/tree-view.ts'
import { watchTree } from '../zookeeper/tree-watch.ts'
import { createForeignBoard } from './foreign-board.ts'
import { type ForeignPath, readForeignMember } from './foreign-member.ts'

export interface ForeignZnodesDeps {
  /** A client of its own, without a chroot; runs as long as this does. */
  readonly zookeeper: Zookeeper
  /** Why an address may not be a target; undefined when it may. */
  readonly guard: (ip: string) => string | undefined
  /** All addresses of a name, none when there is no such name. @throws UnavailableError */
  readonly resolve: (host: string, signal: AbortSignal) => Promise<readonly string[]>
  readonly clock: Clock
  readonly logger: Logger
  /** 60 and 900 by default. */
  readonly lingerSeconds?: number
  readonly holdSeconds?: number
}

/** The members that others have under one path of ZooKeeper, as one more source of the target list. */
export interface ForeignZnodes extends Service {
  view(): RegistryView | undefined
  changes(signal: AbortSignal): AsyncIterable<void>
  find(id: string): Target | undefined
  explain(id: string): TargetReport | undefined
  release(ids?: readonly string[]): readonly string[]
}

const tickMs = 1_000
const resolveAgainMs = 30_000

/**
 * Reads and never writes. A znode that says that it has ended, leaves at once; one that is gone may have been deleted or
 * lost with its session, which cannot be told apart: it lingers. Too many at once are held, as everywhere. A name in a
 * znode is resolved when the znode is seen first; all its addresses must pass the guard.
 */
export function createForeignZnodes(where: ForeignPath, deps: ForeignZnodesDeps): ForeignZnodes {
  const { zookeeper, guard, resolve, clock } = deps
  const name = `znodes ${where.path}`
  const logger = deps.logger.child({ component: name })
  const tree = watchTree(zookeeper, { root: where.path, name: `${name} tree` }, { clock, logger })
  const bell = createBell()
  const rings = createBell()
  const waiting: TreeChange[] = []
  /** Znodes whose name could not be resolved now. */
  let unresolved = new Map<string, TreeNode>()
  let board = createForeignBoard({ ...deps, tickMs })
  let version = 0
  let isWhole = false
  let hasView = false
  let targets: readonly Target[] | undefined
  let confirmedAt = clock.monotonic()

  function publish(): void {
    version++
    targets = undefined
    bell.ring()
  }

  /** The registration with the address that may be asked, or why there is none. */
  async function admit(
    parsed: ParsedRegistration,
    signal: AbortSignal,
  ): Promise<Registration | { readonly why: string }> {
    const { address, registration } = parsed
    const ips = address.kind === 'name' ? await resolve(address.host, signal) : [address.host]
    const [first] = ips
    if (first === undefined) return { why: `the name "${address.host}" does not exist` }
    const why = ips.map(guard).find((one) => one !== undefined)
    if (why !== undefined) return { why: `"${registration.address}" may not be a target: ${why}` }
    return address.kind === 'name' ? withHostAddress(parsed, first) : registration
  }

  async function look(path: string, node: TreeNode, signal: AbortSignal): Promise<void> {
    unresolved.delete(path)
    const member = readForeignMember(where, path, node)
    if (member.kind === 'ended') return board.end(path, member.id)
    if (member.kind === 'quarantined') return board.refuse(path, member.why, member.id)
    const { id } = member.parsed.registration
    try {
      const admitted = await admit(member.parsed, signal)
      if ('why' in admitted) board.refuse(path, admitted.why, id)
      else board.list(path, { registration: admitted, state: 'listed', order: Number(node.czxid) })
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      unresolved.set(path, node)
      // Whoever is listed already stays: only our name service is in trouble.
      if (board.at(path) === undefined) board.refuse(path, `not resolved yet: ${describeError(error)}`, id)
    }
  }

  async function take({ view, added, changed, removed, isFullSync }: TreeChange, signal: AbortSignal): Promise<void> {
    const breathe = breather()
    for (const { path } of removed) {
      unresolved.delete(path)
      board.lose(path)
      await breathe()
    }
    let folders: ReadonlySet<string> | undefined
    const isFolder = (path: string): boolean => {
      folders ??= foldersOf(view.nodes.keys())
      return folders.has(path)
    }
    const looks: Promise<void>[] = []
    for (const path of [...added, ...changed]) {
      const node = view.nodes.get(path)
      // An ephemeral has nothing below it.
      const isMember = node !== undefined && node.data.length > 0 && (node.ephemeralOwner !== 0n || !isFolder(path))
      if (!isMember) board.ignore(path)
      else looks.push(look(path, node, signal))
      await breathe()
    }
    await Promise.all(looks)
    if (!isFullSync || hasView) return
    hasView = true
    isWhole = board.size() > 0
    logger.info({ members: board.size(), quarantined: board.quarantined().length }, 'Znodes of others were read')
  }

  async function takeChanges(signal: AbortSignal): Promise<void> {
    const heard = rings.listen(signal)
    do {
      for (let change = waiting.shift(); change !== undefined && !signal.aborted; change = waiting.shift()) {
        await take(change, signal)
        publish()
      }
    } while (!(await heard.next()).done)
  }

  async function resolveAgain(signal: AbortSignal): Promise<void> {
    const again = unresolved
    unresolved = new Map()
    for (const [path, node] of again) if (!signal.aborted) await look(path, node, signal)
    if (again.size > 0) publish()
  }

  return {
    name,
    run: async (signal) => {
      board = createForeignBoard({ ...deps, tickMs })
      waiting.length = 0
      hasView = false
      const stop = tree.onChange((change) => {
        waiting.push(change)
        rings.ring()
      })
      try {
        await together(signal, [
          zookeeper.run,
          tree.run,
          takeChanges,
          (both) =>
            poll({ intervalMs: tickMs, clock }, both, async () => {
              // What cannot be seen ends for nobody.
              if (!tree.isCurrent()) return
              confirmedAt = clock.monotonic()
              if (await board.tick()) publish()
            }),
          (both) => poll({ intervalMs: resolveAgainMs, clock }, both, resolveAgain),
        ])
      } finally {
        stop()
      }
    },
    view: () => {
      if (!hasView) return undefined
      targets ??= [...board.claims.winners()]
      return { version, confirmedAt, whole: isWhole, targets, quarantined: board.quarantined() }
    },
    changes: (signal) => bell.listen(signal),
    find: (id) => {
      const life = board.claims.lifeOf(id)
      return life !== undefined && board.claims.ownerOf(addressKey(life.registration)) === life ? life : undefined
    },
    explain: (id) => (hasView ? board.report(id) : undefined),
    release: (ids) => board.release(ids),
  }
}

/** What has something below it is no member, whatever data it has. */
function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const folders = new Set<string>()
  for (const path of paths) folders.add(parentOf(path))
  return folders
}
