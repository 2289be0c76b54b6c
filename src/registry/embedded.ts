import type { Receipt } from '../model/registration.ts'
import type { Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import { defaultLingerSeconds } from '../targets/linger.ts'
import { defaultLeaseSeconds } from '../targets/parse-registration.ts'
import { type Batch, createBatch } from './batch.ts'
import { createBell } from './bell.ts'
import { decodeChange, encodeChange } from './change-record.ts'
import { createCommitQueue } from './commit-queue.ts'
import type { CreateDurableFile } from './durable-file.ts'
import { claimFolder } from './folder-claim.ts'
import { createJournal, type Journal, noJournal } from './journal.ts'
import type { JournalRecord } from './record-file.ts'
import { recover, wholeRecord } from './recover.ts'
import type { Registry, Withdrawal } from './registry.ts'
import { createRoster, type Roster } from './roster.ts'
import { together } from './together.ts'

export interface EmbeddedRegistryOptions {
  /** Folder for `registry.journal` and `registry.snapshot`; without one nothing survives a restart. */
  readonly storagePath: string | undefined
  /** How long an unannounced loss stays listed, 60 by default. */
  readonly lingerSeconds?: number
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
  /** Called after each change of one entry, also while the journal is read at the start; undefined: it is gone. */
  readonly onTarget?: (id: string, target: Target | undefined) => void
}

type Work = (batch: Batch) => Promise<void> | void

const tickMs = 1_000

/**
 * The registry that needs nothing else: everything in memory, and what was acknowledged in a journal on the disk. After
 * a restart every registration has a full lease again.
 */
export function createEmbeddedRegistry(options: EmbeddedRegistryOptions, deps: EmbeddedRegistryDeps): Registry {
  const { storagePath, lingerSeconds = defaultLingerSeconds, leaseSeconds = defaultLeaseSeconds } = options
  const { clock, logger } = deps
  const queue = createCommitQueue<Work>()
  const bell = createBell()
  const hooks = deps.onTarget === undefined ? {} : { onTarget: deps.onTarget }
  let life: Life | undefined

  async function start(): Promise<Life> {
    const roster = createRoster({ clock, tickMs, lingerMs: lingerSeconds * 1000, bell, ...hooks })
    const recovered =
      storagePath === undefined
        ? nothing
        : await readStorage(storagePath, roster, options.believesEmpty === true, logger)
    const started: Life = { roster, journal: noJournal, startedAt: clock.monotonic(), ...recovered }
    if (storagePath === undefined)
      logger.warn({}, 'Registry is kept in memory only: registrations do not survive a restart')
    else started.journal = await openJournal(storagePath, started, deps)
    return started
  }

  async function live(signal: AbortSignal): Promise<void> {
    const started = await start()
    life = started
    started.roster.publish()
    try {
      await together(signal, [
        (both) => queue.run((works) => commit(started, works), both),
        (both) => poll({ intervalMs: tickMs, clock }, both, () => tick(started)),
      ])
    } finally {
      await started.journal.close()
    }
  }

  async function commit(life: Life, works: readonly Work[]): Promise<void> {
    const { roster, journal } = life
    await journal.tidy()
    const batch = createBatch(roster.holdings, () => ++life.lastOrder)
    for (const work of works) await work(batch)
    if (batch.records.length > 0) await journal.append(batch.records)
    const breathe = breather()
    for (const change of batch.changes) {
      roster.apply(change)
      await breathe()
    }
    if (batch.changes.length > 0) roster.publish()
  }

  async function tick(life: Life): Promise<void> {
    const { roster } = life
    const over = await roster.tick()
    if (over.length > 0) void queue.add((batch) => batch.sweep(over)).catch(() => dropUnwritten(roster, over))
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
    put: async (many, signal) => {
      signal.throwIfAborted()
      let receipts: readonly Receipt[] = []
      await queue.add(async (batch) => {
        receipts = await batch.put(many)
      })
      const breathe = breather()
      for (const { outcome, registration } of receipts) {
        if (outcome === 'renewed') life?.roster.extend(registration)
        await breathe()
      }
      return receipts
    },
    renew: async (many, signal) => {
      signal.throwIfAborted()
      if (life === undefined) throw new UnavailableError('Renew registrations: the registry has not been read yet')
      return life.roster.renew(many)
    },
    withdraw: async (id, incarnation, signal) => {
      signal.throwIfAborted()
      let outcome: Withdrawal = 'unknown'
      await queue.add((batch) => {
        outcome = batch.withdraw(id, incarnation)
      })
      return outcome
    },
    view: () => life?.roster.view(life.isWhole),
    find: (id) => life?.roster.holdings.get(id),
    changes: (signal) => bell.listen(signal),
  }
}

/** One run of the registry. */
interface Life {
  readonly roster: Roster
  journal: Journal
  readonly startedAt: number
  /** Of the last change that was given a number, durable or not. */
  lastOrder: number
  /** False while registrants whose record we lost may still come back. */
  isWhole: boolean
}

const nothing = { lastOrder: 0, isWhole: false }

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

async function openJournal(folder: string, life: Life, deps: EmbeddedRegistryDeps): Promise<Journal> {
  const { roster, lastOrder } = life
  const journal = createJournal({
    folder,
    lastOrder,
    isWhole: () => life.isWhole,
    contents: function* (): Generator<JournalRecord> {
      for (const target of roster.holdings.targets()) yield { order: target.order, body: encodeChange({ put: target }) }
    },
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
function dropUnwritten(roster: Roster, ids: readonly string[]): void {
  for (const id of ids) if (roster.holdings.get(id)?.state === 'lingering') roster.apply({ drop: id })
  roster.publish()
}
