import type { Incarnation, Receipt, Registration } from '../model/registration.ts'
import type { Target } from '../model/target.ts'
import { createBell } from '../runtime/bell.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CreateDurableFile } from '../runtime/durable-file.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import { together } from '../runtime/together.ts'
import { defaultHoldSeconds, defaultLingerSeconds } from '../targets/departures.ts'
import { defaultLeaseSeconds } from '../targets/parse-registration.ts'
import { type Batch, createBatch, isLost } from './batch.ts'
import { type Challenge, createChallenge } from './challenge.ts'
import { decodeChange, encodeChange } from './change-record.ts'
import { createCommitQueue } from './commit-queue.ts'
import { claimFolder } from './folder-claim.ts'
import type { Holdings } from './holdings.ts'
import { createIdentityBook, type IdentityBook, type Probe } from './identity-book.ts'
import { createJournal, type Journal, noJournal } from './journal.ts'
import type { Departing, LeaseOutcome } from './losses.ts'
import type { JournalRecord } from './record-file.ts'
import { recover, wholeRecord } from './recover.ts'
import type { Registry, Withdrawal } from './registry.ts'
import { createRoster, type Roster } from './roster.ts'

export interface EmbeddedRegistryOptions {
  /** Folder for `registry.journal` and `registry.snapshot`; without one nothing survives a restart. */
  readonly storagePath: string | undefined
  /** How long an unannounced loss stays listed, 60 by default. */
  readonly lingerSeconds?: number
  /** How long targets are held at most when too many are lost at once, 900 by default. */
  readonly holdSeconds?: number
  /** After this long every registrant that is alive has come back, 30 by default. */
  readonly leaseSeconds?: number
  /** Believe a journal that says that nobody is registered; else that is taken for a loss. */
  readonly believesEmpty?: boolean
}

export interface EmbeddedRegistryDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** For tests of a disk that fails. */
  readonly createFile?: CreateDurableFile
  /** Called after each change of one entry, also while the journal is read at the start. */
  readonly onTarget?: (id: string, before: Target | undefined) => void
  /** Looks which process is behind a target; without it nobody is looked at, and an address stays its owner's. */
  readonly probe?: Probe
  /** Called once for each lease that ended, when its target has been looked at. */
  readonly onOutcome?: (outcome: LeaseOutcome) => void
}

/** What the registry beside ZooKeeper needs of its journal. */
export interface EmbeddedRegistry extends Registry {
  /** Who has an address. */
  ownerAt(key: string): Target | undefined
  ids(): readonly string[]
  /** As `put`; those with one of these ids get a new record also when they come as they are. */
  putAnew(many: readonly Registration[], anew: ReadonlySet<string>, signal: AbortSignal): Promise<readonly Receipt[]>
  /** Whoever has to let go of its address before `put` judges: see `Challenge`. */
  challenge(coming: readonly Registration[]): Promise<void>
  /** As `withdraw`, for one that others have now; with `why` when that ends its time in the list. */
  giveUp(id: string, incarnation: Incarnation, why: string | undefined, signal: AbortSignal): Promise<Withdrawal>
}

type Work = (batch: Batch) => Promise<void> | void

const tickMs = 1_000

/**
 * The registry that needs nothing else: everything in memory, and what was acknowledged in a journal on the disk. After
 * a restart every registration has a full lease again.
 */
export function createEmbeddedRegistry(options: EmbeddedRegistryOptions, deps: EmbeddedRegistryDeps): EmbeddedRegistry {
  const { storagePath, leaseSeconds = defaultLeaseSeconds } = options
  const { lingerSeconds = defaultLingerSeconds, holdSeconds = defaultHoldSeconds } = options
  const { clock, logger, probe } = deps
  const queue = createCommitQueue<Work>()
  const bell = createBell()
  let life: Life | undefined

  async function start(): Promise<Life> {
    const identities = probe === undefined ? undefined : createIdentityBook({ probe, clock })
    const roster = createRoster({
      ...deps,
      tickMs,
      lingerMs: lingerSeconds * 1000,
      holdMs: holdSeconds * 1000,
      bell,
      ...(identities && { identities }),
    })
    const recovered =
      storagePath === undefined
        ? nothing
        : await readStorage(storagePath, roster, options.believesEmpty === true, logger)
    const started: Life = {
      roster,
      identities,
      challenge: identities === undefined ? async () => [] : challengeOf(roster, identities),
      journal: noJournal,
      startedAt: clock.monotonic(),
      committing: undefined,
      ...recovered,
    }
    if (storagePath === undefined)
      logger.warn({}, 'Registry is kept in memory only: registrations do not survive a restart')
    else started.journal = await openJournal(storagePath, started, deps)
    return started
  }

  function challengeOf(roster: Roster, identities: IdentityBook): Challenge {
    return createChallenge({ clock, identities, ownerAt: (key) => ownerIn(roster, key) })
  }

  async function challenge(coming: readonly Registration[]): Promise<void> {
    if (life === undefined) return
    const { roster } = life
    for (const { owner, why } of await life.challenge(coming)) roster.giveUp(owner.registration.id, why)
  }

  async function putAnew(
    many: readonly Registration[],
    anew: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<readonly Receipt[]> {
    signal.throwIfAborted()
    await challenge(many)
    let receipts: readonly Receipt[] = []
    await queue.add(async (batch) => {
      receipts = await batch.put(many, anew)
    })
    return receipts
  }

  async function withdraw(...[id, incarnation, why]: Parameters<Batch['withdraw']>): Promise<Withdrawal> {
    let outcome: Withdrawal = 'unknown'
    await queue.add((batch) => {
      outcome = batch.withdraw(id, incarnation, why)
    })
    return outcome
  }

  async function live(signal: AbortSignal): Promise<void> {
    const started = await start()
    life = started
    started.roster.publish()
    try {
      await together(signal, [
        (both) => queue.run((works) => commit(started, works), both),
        (both) => poll({ intervalMs: tickMs, clock }, both, () => tick(started)),
        async (both) => started.identities?.run(both),
      ])
    } finally {
      await started.journal.close()
    }
  }

  async function commit(life: Life, works: readonly Work[]): Promise<void> {
    const { roster, journal } = life
    await journal.tidy()
    const batch = createBatch(roster.holdings, () => ++life.lastOrder)
    life.committing = batch
    try {
      for (const work of works) await work(batch)
      if (batch.records.length > 0) await journal.append(batch.records)
      const breathe = breather()
      for (const change of batch.changes) {
        roster.apply(change)
        await breathe()
      }
      for (const registration of batch.renewed) {
        roster.extend(registration)
        await breathe()
      }
      if (batch.changes.length > 0) roster.publish()
    } finally {
      life.committing = undefined
    }
  }

  async function tick(life: Life): Promise<void> {
    const { roster } = life
    const departing = await roster.tick()
    if (departing.length > 0)
      void queue.add((batch) => batch.sweep(departing)).catch(() => dropUnwritten(roster, departing))
    if (life.isWhole || clock.monotonic() - life.startedAt < leaseSeconds * 1000) return
    life.isWhole = true
    roster.publish()
    void queue.add((batch) => batch.note(wholeRecord)).catch(() => undefined)
  }

  return {
    name: 'registry',
    run: async (signal) => {
      const release = storagePath === undefined ? undefined : await claimFolder(storagePath, logger)
      try {
        await live(signal)
      } finally {
        await release?.()
      }
    },
    put: (many, signal) => putAnew(many, nobody, signal),
    putAnew,
    renew: async (many, signal) => {
      signal.throwIfAborted()
      if (life === undefined) throw new UnavailableError('Renew registrations: the registry has not been read yet')
      const { roster } = life
      // Whose end is being written has no lease to extend.
      return roster.renew(many, (id) => life?.committing?.isLeaving(id) === true)
    },
    withdraw: async (id, incarnation, signal) => {
      signal.throwIfAborted()
      return withdraw(id, incarnation, 'its end was announced')
    },
    giveUp: async (id, incarnation, why, signal) => {
      signal.throwIfAborted()
      return withdraw(id, incarnation, why)
    },
    challenge,
    release: (ids) => life?.roster.release(ids) ?? [],
    explain: (id) => life?.roster.report(id),
    view: () => life?.roster.view(life.isWhole),
    find: (id) => life?.roster.holdings.get(id),
    ownerAt: (key) => (life === undefined ? undefined : ownerIn(life.roster, key)),
    ids: () => Array.from(life?.roster.holdings.targets() ?? [], ({ registration }) => registration.id),
    changes: (signal) => bell.listen(signal),
  }
}

/** One run of the registry. */
interface Life {
  readonly roster: Roster
  readonly identities: IdentityBook | undefined
  readonly challenge: Challenge
  journal: Journal
  readonly startedAt: number
  /** The batch that is being made durable. */
  committing: Batch | undefined
  /** Of the last change that was given a number, durable or not. */
  lastOrder: number
  /** False while registrants whose record we lost may still come back. */
  isWhole: boolean
}

const nobody: ReadonlySet<string> = new Set()
const nothing = { lastOrder: 0, isWhole: false }

function ownerIn({ holdings }: Roster, key: string): Target | undefined {
  return holdings.get(holdings.ownerOf(key) ?? '')
}

async function readStorage(
  folder: string,
  roster: Roster,
  believesEmpty: boolean,
  logger: Logger,
): Promise<Pick<Life, 'lastOrder' | 'isWhole'>> {
  let unreadable = 0
  const { lastOrder, isWhole, damaged } = await recover(folder, (body, order) => {
    const change = decodeChange(body, order)
    if (!('unreadable' in change)) return roster.apply(change)
    unreadable++
    logger.error({ order, why: change.unreadable }, 'Registry record could not be read')
  })
  if (damaged > 0) logger.error({ damaged }, 'Registry files are damaged')
  const registrations = roster.holdings.size()
  logger.info({ registrations }, 'Registry was read')
  return { lastOrder, isWhole: isWhole && unreadable === 0 && (registrations > 0 || believesEmpty) }
}

/** By their order, as they were written. */
function* contentsOf(holdings: Holdings): Generator<JournalRecord> {
  const evictions = holdings.evictions()[Symbol.iterator]()
  let next = evictions.next()
  for (const target of holdings.targets()) {
    for (; !next.done && next.value.evicted.order < target.order; next = evictions.next()) {
      const { id, evicted } = next.value
      yield { order: evicted.order, body: encodeChange({ drop: id, evicted }) }
    }
    yield { order: target.order, body: encodeChange({ put: target }) }
  }
}

async function openJournal(folder: string, life: Life, deps: EmbeddedRegistryDeps): Promise<Journal> {
  const { roster, lastOrder } = life
  const journal = createJournal({
    folder,
    lastOrder,
    isWhole: () => life.isWhole,
    contents: () => contentsOf(roster.holdings),
    ...deps,
  })
  try {
    await journal.append([])
  } catch (error) {
    deps.logger.error(
      { error: describeError(error) },
      'Registry cannot be written: registrations are refused until it can',
    )
  }
  return journal
}

/** The disk fails: what is over must go all the same; at worst a restart lists it for one more lease. */
function dropUnwritten(roster: Roster, departing: readonly Departing[]): void {
  for (const { id, why } of departing) if (isLost(roster.holdings.get(id))) roster.apply({ drop: id, why })
  roster.publish()
}
