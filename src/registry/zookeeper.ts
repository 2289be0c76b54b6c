import { mkdir } from 'node:fs/promises'
import type { Incarnation, Receipt, Registration } from '../model/registration.ts'
import { addressKey, type RegistryView, type Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { type Judgement, judgePut, type Standing } from '../targets/judge-put.ts'
import { defaultLingerSeconds } from '../targets/linger.ts'
import { createZookeeper, creatorAcl, readAcl, type ZookeeperOptions } from '../zookeeper/client.ts'
import { mayEnd } from './batch.ts'
import { createBell } from './bell.ts'
import { createEmbeddedRegistry, type EmbeddedRegistryDeps } from './embedded.ts'
import type { Loss } from './member-board.ts'
import { createOwnIndex } from './own-index.ts'
import type { Registry, Withdrawal } from './registry.ts'
import { readSessionFile, writeSessionFile } from './session-file.ts'
import { createSharedTree, type SharedTree } from './shared-tree.ts'
import { together } from './together.ts'

export interface ZookeeperRegistryOptions
  extends Pick<ZookeeperOptions, 'connect' | 'sessionTimeoutMs' | 'auth' | 'tls' | 'defaultAcl'> {
  /** Folder for the journal beside the ephemerals and for the session; without one a restart knows nothing. */
  readonly storagePath: string | undefined
  readonly lingerSeconds?: number
  readonly leaseSeconds?: number
  /** Why an address in a znode that is not ours may not be a target; undefined when it may. Default: all may. */
  readonly guard?: (ip: string) => string | undefined
}

/** Below the chroot; the path for Prometheus' serverset_sd and nerve_sd. */
const membersRoot = '/targets'

const settleMs = 5_000
/**
 * ZooKeeper logs the end of a session with all its ephemerals in one transaction, and with 2 MB of paths it cannot read
 * its own log any more (ZOOKEEPER-4306).
 */
const mostPathBytes = 512 * 1024

/**
 * The registry that replicas share: what is registered here is an ephemeral member in ZooKeeper, and what anybody has
 * there is listed. Beside the ephemerals a journal keeps what was acknowledged: when the session is lost, or this process
 * is away for longer than ZooKeeper keeps it, all of it is put back, unless somebody has written something newer.
 */
export function createZookeeperRegistry(options: ZookeeperRegistryOptions, deps: EmbeddedRegistryDeps): Registry {
  const { connect, storagePath, lingerSeconds = defaultLingerSeconds, guard = () => undefined } = options
  const { clock, logger } = deps
  const bell = createBell()
  const own = createOwnIndex()
  const announced = new Set<string>()
  const evicted = new Map<string, { readonly incarnation: Incarnation; readonly by: string }>()
  let shared: SharedTree | undefined
  let version = 0
  let targets: readonly Target[] | undefined

  const journaled = createEmbeddedRegistry(
    { ...options, believesEmpty: true },
    {
      ...deps,
      onTarget: (id, target) => {
        const before = own.get(id)
        own.set(id, target)
        shared?.ownChanged(id, before, announced.has(id))
      },
    },
  )

  function publish(): void {
    version++
    targets = undefined
    bell.ring()
  }

  function ready(): SharedTree {
    if (shared?.hasView() === true) return shared
    throw new UnavailableError('Write to the registry: ZooKeeper has not been read yet')
  }

  function settled({ placer }: SharedTree, ids: readonly string[], signal: AbortSignal): Promise<void> {
    return withDeadline('Write members to ZooKeeper', settleMs, signal, () => placer.settle(ids))
  }

  function standing({ board: { claims } }: SharedTree, coming: Registration): Standing {
    const same = claims.lifeOf(coming.id)
    const owner = claims.ownerOf(addressKey(coming))
    const lost = evicted.get(coming.id)
    return {
      ...(same === undefined ? {} : { same }),
      ...(owner === undefined || owner.registration.id === coming.id ? {} : { owner }),
      ...(lost === undefined || claims.lifeOf(lost.by) === undefined ? {} : { evicted: lost }),
    }
  }

  function onLoss(target: Target, loss: Loss): void {
    const { id, incarnation } = target.registration
    logger.info({ id, incarnation, loss: loss.kind }, 'Registration was given up')
    if (loss.kind === 'evicted') evicted.set(id, { incarnation, by: loss.by })
    // What stands there now is somebody else's.
    if (loss.kind === 'taken over' || loss.kind === 'ended') shared?.placer.forget(id)
    journaled.withdraw(id, incarnation, AbortSignal.timeout(settleMs)).catch((error: unknown) => {
      logger.warn({ id, error: describeError(error) }, 'Registration that was given up is still in the journal')
    })
  }

  async function put(many: readonly Registration[], signal: AbortSignal): Promise<readonly Receipt[]> {
    const tree = ready()
    const breathe = breather()
    const judged: Judgement[] = []
    for (const one of many) {
      judged.push(judgePut(one, standing(tree, one)))
      await breathe()
    }
    const coming = judged.filter(({ outcome }) => outcome !== 'conflict').map(({ registration }) => registration)
    const bytes = coming.reduce((sum, one) => sum + (own.get(one.id) ? 0 : tree.writer.pathOf(one).length), 0)
    if (tree.placer.pathBytes() + bytes > mostPathBytes)
      throw new UnavailableError(
        `Write to the registry: this replica would hold more than ${mostPathBytes} bytes of paths`,
      )
    for (const { id } of coming) {
      evicted.delete(id)
      tree.refresh(id)
    }
    const kept = await journaled.put(coming, signal)
    await settled(
      tree,
      kept.flatMap(({ id, outcome }) => (outcome === 'conflict' ? [] : [id])),
      signal,
    )
    let next = 0
    return judged.map((verdict): Receipt => {
      const { id } = verdict.registration
      if (verdict.outcome === 'conflict') return { id, ...verdict }
      const receipt = kept[next++]!
      // Another replica had it until now.
      return receipt.outcome === 'created' ? { ...receipt, outcome: verdict.outcome } : receipt
    })
  }

  async function withdraw(id: string, incarnation: Incarnation | undefined, signal: AbortSignal): Promise<Withdrawal> {
    const tree = ready()
    announced.add(id)
    try {
      const outcome = await journaled.withdraw(id, incarnation, signal)
      const other = outcome === 'unknown' ? tree.board.claims.lifeOf(id)?.registration : undefined
      if (other !== undefined) {
        if (incarnation !== undefined && !mayEnd(incarnation, other)) return 'superseded'
        tree.board.forgetLost(id)
        tree.placer.end(other)
      }
      if (outcome === 'ended' || other !== undefined) await settled(tree, [id], signal)
      return other === undefined ? outcome : 'ended'
    } finally {
      announced.delete(id)
    }
  }

  function view(): RegistryView | undefined {
    const local = journaled.view()
    if (shared?.hasView() !== true || local === undefined) return undefined
    targets ??= [...shared.board.claims.winners()]
    return {
      version,
      confirmedAt: shared.confirmedAt(),
      whole: shared.foundMembers(),
      targets,
      quarantined: shared.board.quarantined(),
    }
  }

  async function open(): Promise<SharedTree> {
    const savedSession = storagePath === undefined ? undefined : await readSessionFile(storagePath, connect)
    const { sessionTimeoutMs, auth, tls } = options
    const zookeeper = createZookeeper(
      {
        connect,
        // Without a place to keep it nobody could take the session over.
        keepsSession: storagePath !== undefined,
        ...(savedSession === undefined ? {} : { savedSession }),
        ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
        // Prometheus' own discovery cannot identify itself: everybody may read.
        ...(auth === undefined ? {} : { auth, defaultAcl: [...creatorAcl, ...readAcl] }),
        ...(tls === undefined ? {} : { tls }),
      },
      deps,
    )
    return createSharedTree({
      zookeeper,
      root: membersRoot,
      lingerMs: lingerSeconds * 1000,
      own,
      savedSession,
      guard,
      ownReady: async (signal) => {
        while (!signal.aborted && journaled.view() === undefined) await clock.sleep(20, signal)
      },
      isOwnWhole: () => journaled.view()?.whole === true,
      onLoss,
      onAdopt: ({ registration }) =>
        void journaled.put([registration], AbortSignal.timeout(settleMs)).catch(() => undefined),
      saveSession: async (session) => {
        if (storagePath === undefined) return
        try {
          await mkdir(storagePath, { recursive: true, mode: 0o700 })
          await writeSessionFile(storagePath, connect, session)
        } catch (error) {
          logger.warn({ error: describeError(error) }, 'ZooKeeper session could not be saved')
        }
      },
      onChange: publish,
      clock,
      logger,
    })
  }

  return {
    name: 'registry',
    run: async (signal) => {
      own.clear()
      const opened = await open()
      shared = opened
      await together(signal, [journaled.run, opened.run])
    },
    put: async (many, signal) => {
      signal.throwIfAborted()
      return put(many, signal)
    },
    renew: journaled.renew,
    withdraw: async (id, incarnation, signal) => {
      signal.throwIfAborted()
      return withdraw(id, incarnation, signal)
    },
    view,
    find: (id) => {
      const claims = shared?.board.claims
      const life = claims?.lifeOf(id)
      return life !== undefined && claims?.ownerOf(addressKey(life.registration)) === life ? life : undefined
    },
    changes: (signal) => bell.listen(signal),
  }
}
