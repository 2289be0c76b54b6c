import { compareLives, type Incarnation, type Receipt, type Registration } from '../model/registration.ts'
import { addressKey, type RegistryView, type Target } from '../model/target.ts'
import { createBell } from '../runtime/bell.ts'
import { breather } from '../runtime/breathe.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { DecodeError, describeError, UnavailableError } from '../runtime/errors.ts'
import { together } from '../runtime/together.ts'
import { defaultHoldSeconds, defaultLingerSeconds } from '../targets/departures.ts'
import { type Judgement, judgePut, type Standing } from '../targets/judge-put.ts'
import type { Eviction, TargetReport } from '../targets/target-report.ts'
import { createZookeeper, type EnsembleOptions, readableByAll, type Zookeeper } from '../zookeeper/client.ts'
import { parseConnectString } from '../zookeeper/connect-string.ts'
import type { SessionCredentials } from '../zookeeper/state.ts'
import { mayEnd } from './batch.ts'
import { createEmbeddedRegistry, type EmbeddedRegistryDeps, type EmbeddedRegistryOptions } from './embedded.ts'
import type { Handover } from './handovers.ts'
import type { FoundElsewhere } from './held-elsewhere.ts'
import type { Loss } from './member-board.ts'
import type { Presence } from './notices.ts'
import type { Registry, Withdrawal } from './registry.ts'
import { nothingSaved, readSessionFile, writeSessionFile } from './session-file.ts'
import type { ShardCounters, ShardLimits } from './session-shards.ts'
import { createSharedTree, type SharedTree } from './shared-tree.ts'

export interface ZookeeperRegistryOptions
  extends EnsembleOptions,
    Pick<EmbeddedRegistryOptions, 'lingerSeconds' | 'holdSeconds' | 'leaseSeconds'> {
  /** Folder for the journal beside the ephemerals and for the session; without one a restart knows nothing. */
  readonly storagePath: string | undefined
  /** Why an address in a znode that is not ours may not be a target; undefined when it may. Default: all may. */
  readonly guard?: (ip: string) => string | undefined
  /** A name of this replica that stays the same; it stands in every member that is registered here. */
  readonly holder?: string
}

export interface ZookeeperRegistryDeps extends EmbeddedRegistryDeps {
  /** Which replicas live; without it each may be away for all we know, and is told of all that it has lost to us. */
  readonly presence?: Presence
  /** For tests that shall not need a hundred thousand members. */
  readonly shardLimits?: Partial<ShardLimits>
}

export interface ZookeeperRegistry extends Registry {
  /** The `holder` of the replica that has a registration; undefined when that is we, or nobody knows. */
  holderOf(id: string): string | undefined
  /** What this replica has in ZooKeeper; undefined before it runs. */
  shards(): ShardCounters | undefined
}

/** Below the chroot; the path for Prometheus' serverset_sd and nerve_sd. */
const membersRoot = '/targets'

/** Why somebody who is given up leaves the list; nothing when another replica has it now. */
const endings = {
  'taken over': undefined,
  superseded: undefined,
  ended: 'its end was announced',
  over: 'it moved to another replica, or ended there, while this one was away',
} as const

/** Remembered, so that a life that lost its address cannot take it back. */
const mostEvictions = 100_000

const settleMs = 5_000
/** A slow disk makes a thousand members a second durable. */
const settleMsPerMember = 1

/**
 * The registry that replicas share: what is registered here is an ephemeral member in ZooKeeper, and what anybody has
 * there is listed. Beside the ephemerals a journal keeps what was acknowledged: when the session is lost, or this process
 * is away for longer than ZooKeeper keeps it, all of it is put back, unless somebody has written something newer.
 */
export function createZookeeperRegistry(
  options: ZookeeperRegistryOptions,
  deps: ZookeeperRegistryDeps,
): ZookeeperRegistry {
  const { connect, storagePath, guard = () => undefined } = options
  const { lingerSeconds = defaultLingerSeconds, holdSeconds = defaultHoldSeconds } = options
  const { clock, logger } = deps
  const bell = createBell()
  const announced = new Set<string>()
  const evicted = new Map<string, Eviction>()
  let shared: SharedTree | undefined
  /** Bytes of paths of what is on its way into the journal. */
  let reserved = 0
  let version = 0
  let targets: readonly Target[] | undefined

  const journaled = createEmbeddedRegistry(
    { ...options, believesEmpty: true },
    {
      ...deps,
      onTarget: (id, before) => shared?.ownChanged(id, before, announced.has(id)),
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

  function settled({ shards }: SharedTree, ids: readonly string[], signal: AbortSignal): Promise<void> {
    const ms = settleMs + settleMsPerMember * ids.length
    return withDeadline('Write members to ZooKeeper', ms, signal, () => shards.settle(ids))
  }

  /** `outlived`: owners elsewhere whose process is gone. */
  function standing({ board: { claims } }: SharedTree, coming: Registration, outlived: ReadonlySet<Target>): Standing {
    const same = claims.lifeOf(coming.id)
    const owner = claims.ownerOf(addressKey(coming))
    const lost = evictionOf(coming.id)
    const isFree = owner === undefined || owner.registration.id === coming.id || outlived.has(owner)
    return {
      ...(same === undefined ? {} : { same }),
      ...(isFree ? {} : { owner }),
      ...(lost === undefined || claims.lifeOf(lost.by) === undefined ? {} : { evicted: lost }),
    }
  }

  /** By whomever it was noticed; in the journal when both spoke to us. */
  function evictionOf(id: string): Eviction | undefined {
    return evicted.get(id) ?? journaled.explain(id)?.evicted
  }

  function noteEviction({ registration: { id, incarnation } }: Target, by: string): void {
    evicted.delete(id)
    evicted.set(id, { incarnation, by })
    const [oldest] = evicted.keys()
    if (evicted.size > mostEvictions && oldest !== undefined) evicted.delete(oldest)
  }

  function onLoss(target: Target, loss: Loss): void {
    const { id, incarnation } = target.registration
    logger.info({ id, incarnation, loss: loss.kind }, 'Registration was given up')
    if (loss.kind === 'evicted') noteEviction(target, loss.by)
    // What stands there now is somebody else's.
    if (loss.kind === 'taken over' || loss.kind === 'ended') shared?.shards.forget(id)
    const why = loss.kind === 'evicted' ? `"${loss.by}" has its address now` : endings[loss.kind]
    journaled.giveUp(id, incarnation, why, AbortSignal.timeout(settleMs)).catch((error: unknown) => {
      logger.warn({ id, error: describeError(error) }, 'Registration that was given up is still in the journal')
    })
  }

  /** @throws UnavailableError when ZooKeeper would have too many of our ephemerals in each session */
  function reserve({ shards }: SharedTree, bytes: number): void {
    if (bytes > 0 && !shards.hasRoomFor(reserved + bytes)) {
      const { pathBytes, mostPathBytes } = shards.counters()
      throw new UnavailableError(
        `Write to the registry: the paths of its members have ${pathBytes} bytes, expected at most ${mostPathBytes} with the ${bytes} that come`,
      )
    }
    reserved += bytes
  }

  async function put(many: readonly Registration[], signal: AbortSignal): Promise<readonly Receipt[]> {
    const tree = ready()
    const breathe = breather()
    const [outlived] = await Promise.all([tree.challenge(many), journaled.challenge(many)])
    const gone = new Set(outlived.map(({ owner }) => owner))
    const judged: Judgement[] = []
    const before = new Map<string, readonly Handover[]>()
    for (const one of many) {
      judged.push(judgePut(one, standing(tree, one, gone)))
      before.set(one.id, handoversTo(one, tree))
      await breathe()
    }
    const coming = judged.filter(({ outcome }) => outcome !== 'conflict').map(({ registration }) => registration)
    let bytes = 0
    for (const one of coming) {
      if (journaled.find(one.id) === undefined) bytes += tree.shards.bytesOf(one)
      await breathe()
    }
    reserve(tree, bytes)
    let kept: readonly Receipt[]
    try {
      const doubtful = new Set<string>()
      for (const { id } of coming) {
        evicted.delete(id)
        if (tree.refresh(id)) doubtful.add(id)
      }
      kept = await journaled.putAnew(coming, doubtful, signal)
    } finally {
      reserved -= bytes
    }
    const accepted = kept.flatMap(({ id, outcome }) => (outcome === 'conflict' ? [] : [id]))
    // They are in our journal: from now on we take them over, however often that has to be tried.
    for (const id of accepted) for (const one of before.get(id) ?? []) handOver(tree, one)
    await settled(tree, accepted, signal)
    let next = 0
    return judged.map((verdict): Receipt => {
      const { id } = verdict.registration
      if (verdict.outcome === 'conflict') return { id, ...verdict }
      const receipt = kept[next++]!
      // Another replica had it until now.
      return receipt.outcome === 'created' ? { ...receipt, outcome: verdict.outcome } : receipt
    })
  }

  /**
   * What others hold and will not hold any more: the same id, and who has the address. The znode that is taken over says so
   * as well, and better; but it may be gone by then, or another.
   */
  function handoversTo(coming: Registration, { board: { claims }, elsewhere }: SharedTree): readonly Handover[] {
    const owner = claims.ownerOf(addressKey(coming))?.registration.id
    return [...new Set([coming.id, owner ?? coming.id])].flatMap((id) => {
      const from = elsewhere.find(id)
      return from === undefined ? [] : [{ id, from, isMarked: false }]
    })
  }

  function handOver({ elsewhere, notices }: SharedTree, handover: Handover): void {
    elsewhere.forget(handover.id)
    notices.note(handover)
  }

  async function withdraw(id: string, incarnation: Incarnation | undefined, signal: AbortSignal): Promise<Withdrawal> {
    const tree = ready()
    announced.add(id)
    try {
      const known = tree.board.claims.lifeOf(id)?.registration
      // Another replica may have acknowledged it a moment ago.
      if (known === undefined || (incarnation !== undefined && compareLives(incarnation, known) !== 'same'))
        await withDeadline('Look into ZooKeeper', settleMs, signal, (bounded) => tree.caughtUp(bounded))
      const from = tree.elsewhere.find(id)
      const older = journaled.find(id)?.registration.superseded
      const outcome = await journaled.withdraw(id, incarnation, signal)
      // What is left of it is another replica's.
      const other = tree.board.claims.lifeOf(id)?.registration
      if (other !== undefined) {
        const isOlder = outcome === 'ended' && older?.includes(other.incarnation) === true
        if (incarnation !== undefined && !isOlder && !mayEnd(incarnation, other))
          return outcome === 'ended' ? outcome : 'superseded'
        tree.board.forgetLost(id)
        tree.shards.end(other)
      }
      if (outcome === 'ended' || other !== undefined) await settled(tree, [id], signal)
      // What its replica holds is what was ended here, or what we saw last before it went away.
      const isEnded = other !== undefined || incarnation === undefined || mayEndUnseen(incarnation, from)
      if (from !== undefined && isEnded) handOver(tree, { id, from, isMarked: from.isThere })
      await tree.notices.written(signal)
      tree.notices.end(id)
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
      quarantined: [...shared.board.quarantined(), ...shared.unreadable()],
    }
  }

  function explain(id: string): TargetReport | undefined {
    const [mine, theirs] = [journaled.explain(id), shared?.board.report(id)]
    if (shared?.hasView() !== true || mine === undefined || theirs === undefined) return undefined
    const [holder, lost] = [shared.elsewhere.holderOf(id), evictionOf(id)]
    const isOurs = journaled.find(id) !== undefined
    return {
      ...(isOurs ? mine : {}),
      ...theirs,
      ...(isOurs && mine.probe && { probe: mine.probe }),
      ...(isOurs && mine.lost && { lost: mine.lost }),
      ...(!isOurs && holder !== undefined && { holder }),
      ...(lost && { evicted: lost }),
      departures: [...mine.departures, ...theirs.departures].toSorted((a, b) => b.at - a.at),
    }
  }

  function client(number: number, savedSession: SessionCredentials | undefined): Zookeeper {
    return createZookeeper(
      {
        ...readableByAll(options),
        name: number === 1 ? 'zookeeper' : `zookeeper-${number}`,
        // Without a place to keep it nobody could take the session over.
        keepsSession: storagePath !== undefined,
        ...(savedSession === undefined ? {} : { savedSession }),
      },
      deps,
    )
  }

  async function open(): Promise<SharedTree> {
    return createSharedTree({
      root: membersRoot,
      chroot: parseConnectString(connect).chroot,
      holder: options.holder,
      isKept: storagePath !== undefined,
      presence: deps.presence,
      lingerMs: lingerSeconds * 1000,
      holdMs: holdSeconds * 1000,
      ...(deps.probe && { probe: deps.probe }),
      own: journaled,
      saved: storagePath === undefined ? nothingSaved : await readSessionFile(storagePath, connect),
      open: client,
      save: async (sessions) => {
        if (storagePath === undefined) return
        try {
          await writeSessionFile(storagePath, connect, sessions)
        } catch (error) {
          logger.warn({ error: describeError(error) }, 'ZooKeeper sessions could not be saved')
        }
      },
      ...(deps.shardLimits === undefined ? {} : { limits: deps.shardLimits }),
      guard,
      isOwnWhole: () => journaled.view()?.whole === true,
      onLoss,
      onEvicted: noteEviction,
      onAdopt: ({ registration }) =>
        void journaled.put([registration], AbortSignal.timeout(settleMs)).catch(() => undefined),
      onChange: publish,
      clock,
      logger,
    })
  }

  /** The view is no sign: that of an earlier run stays. */
  function isTakingWrites(signal: AbortSignal): Promise<boolean> {
    return journaled.put([], signal).then(
      () => true,
      () => false,
    )
  }

  /** The journal is read only by whom the folder belongs to: the sessions in it are ours too from then on. */
  async function runShared(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await isTakingWrites(signal))) await clock.sleep(20, signal)
    if (signal.aborted) return
    const opened = await open()
    shared = opened
    await opened.run(signal)
  }

  return {
    name: 'registry',
    run: async (signal) => {
      shared = undefined
      await together(signal, [journaled.run, runShared])
    },
    put: async (many, signal) => {
      signal.throwIfAborted()
      return certain('Write to the registry', put(many, signal))
    },
    renew: journaled.renew,
    withdraw: async (id, incarnation, signal) => {
      signal.throwIfAborted()
      return certain('Withdraw from the registry', withdraw(id, incarnation, signal))
    },
    view,
    find: (id) => {
      const claims = shared?.board.claims
      const life = claims?.lifeOf(id)
      return life !== undefined && claims?.ownerOf(addressKey(life.registration)) === life ? life : undefined
    },
    release: (ids) => [...journaled.release(ids), ...(shared?.board.release(ids) ?? [])],
    explain,
    holderOf: (id) => (journaled.find(id) === undefined ? shared?.elsewhere.holderOf(id) : undefined),
    shards: () => shared?.shards.counters(),
    changes: (signal) => bell.listen(signal),
  }
}

/** Nonsense from ZooKeeper is no fault of who asks: nobody knows what has come of it. */
async function certain<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new UnavailableError(`${what}: ZooKeeper answers with nonsense, outcome unknown`, { cause: error })
  }
}

/** Nothing is left of it in the list; a life of its own name, or an earlier one, may still be in a journal. */
function mayEndUnseen(incarnation: Incarnation, from: FoundElsewhere | undefined): boolean {
  return from !== undefined && mayEnd(incarnation, { ...from, superseded: [] })
}
