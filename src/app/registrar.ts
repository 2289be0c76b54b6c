import type { DiscoveryReport, FoundReporter, FoundScope } from '../discovery/discoverer.ts'
import type { Registration } from '../model/registration.ts'
import type { Registry } from '../registry/registry.ts'
import { createBell } from '../runtime/bell.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { poll } from '../runtime/poll.ts'
import type { Service } from '../runtime/service.ts'
import { together } from '../runtime/together.ts'
import { createDiscoveryLooks } from './discovery-looks.ts'
import { finderLabel, foundLeaseSeconds, inItsLife, registrationOf, scopeKey } from './found-registration.ts'

export interface RegistrarDeps {
  readonly registry: Pick<Registry, 'put' | 'renew' | 'withdraw' | 'find' | 'view'>
  /** True while the registrations of a scope are ours to write: its key is `discovery/<flink cluster>/<scope>`. */
  readonly owns: (key: string) => boolean
  /** Whether the page of a reporter has said not long ago that it is the right one. */
  readonly isAnswering: (id: string) => boolean
  readonly clock: Clock
  readonly logger: Logger
}

/** Keeps the registry in accordance with what discoverers find. */
export interface Registrar extends Service {
  /** What the discoverer of this name reports to; it looks this often. */
  reportOf(discoverer: string, intervalMs: number): DiscoveryReport
  /** From now on only these look: what others have found is withdrawn. */
  retain(discoverers: readonly string[]): void
  /** Those who look, and whether their first complete look is in the registry: for the gate of the target list. */
  firstLooks(): readonly { readonly name: string; readonly hasLooked: boolean }[]
  /** Ids that the registry refuses, with the reason. */
  refused(): ReadonlyMap<string, string>
}

interface Scope {
  readonly key: string
  readonly discoverer: string
  readonly freshMs: number
  found: FoundScope
  at: number
  isOurs: boolean
  /** In the registry, by id: as it was found, and as it is there. */
  readonly kept: Map<string, { readonly found: string; readonly registration: Registration }>
  /** Ids that the registry refused. */
  readonly refused: Set<string>
}

interface Coming {
  readonly scope: Scope
  readonly found: string
  readonly registration: Registration
}

const renewMs = (foundLeaseSeconds * 1_000) / 3
/** A scope that was read within this time, or within some intervals, is fresh: whoever it names is alive. */
const leastFreshMs = 35_000
const freshIntervals = 2.5
const tickMs = 1_000
const againMs = 1_000
/** The registry is looked through for what we wrote in an earlier life, this often at most. */
const sweepMs = 60_000
const mostAtOnce = 64
const mostInBatch = 500

export function createRegistrar({ registry, owns, isAnswering, clock, logger }: RegistrarDeps): Registrar {
  const scopes = new Map<string, Scope>()
  /** Scopes in which something may have to be written. */
  const dirty = new Set<Scope>()
  const refused = new Map<string, string>()
  const looks = createDiscoveryLooks()
  const bell = createBell()
  let renewedAt = Number.NEGATIVE_INFINITY
  let isFailing = false

  function mark(scope: Scope): void {
    dirty.add(scope)
    bell.ring()
  }

  function take(discoverer: string, freshMs: number, found: FoundScope): void {
    const key = scopeKey(found)
    const before = scopes.get(key)
    const scope: Scope = before ?? {
      key,
      discoverer,
      freshMs,
      found,
      at: 0,
      isOurs: false,
      kept: new Map(),
      refused: new Set(),
    }
    scope.found = found
    if (found.isRemembered !== true) scope.at = clock.monotonic()
    scopes.set(key, scope)
    mark(scope)
  }

  function accept(scope: Scope, id: string): void {
    scope.refused.delete(id)
    refused.delete(id)
  }

  function isAlive(scope: Scope, id: string): boolean {
    return clock.monotonic() - scope.at < scope.freshMs || isAnswering(id)
  }

  function registrationsOf(scope: Scope): readonly Registration[] {
    if (scope.found.ended) return []
    const ours = scope.found.reporters.filter(({ registeredAs }: FoundReporter) => registeredAs === undefined)
    return ours.map((one) => registrationOf(one, scope.discoverer))
  }

  /** Ends first, so that who comes finds the address free. */
  async function write(signal: AbortSignal): Promise<void> {
    const some = [...dirty]
    dirty.clear()
    try {
      const coming: Coming[] = []
      const breathe = breather()
      for (const scope of some) {
        coming.push(...(await prepare(scope, signal)))
        await breathe()
      }
      for (let at = 0; at < coming.length; at += mostInBatch) await put(coming.slice(at, at + mostInBatch), signal)
    } catch (error) {
      for (const scope of some) dirty.add(scope)
      throw error
    }
  }

  /** Withdraws what is over in a scope; what is to be put. */
  async function prepare(scope: Scope, signal: AbortSignal): Promise<readonly Coming[]> {
    const { key, kept } = scope
    scope.isOurs = owns(`discovery/${key}`)
    // What another replica owns now is his to renew and to end.
    if (!scope.isOurs) kept.clear()
    const there = scope.isOurs ? registrationsOf(scope) : []
    const ids = new Set(there.map(({ id }) => id))
    for (const id of scope.refused) if (!ids.has(id)) accept(scope, id)
    const over = [...kept].filter(([id]) => !ids.has(id))
    for (let at = 0; at < over.length; at += mostAtOnce)
      await Promise.all(
        over.slice(at, at + mostAtOnce).map(async ([id, { registration }]) => {
          await registry.withdraw(id, registration.incarnation, signal)
          kept.delete(id)
        }),
      )
    if (scope.found.ended && kept.size === 0 && scopes.get(key) === scope) scopes.delete(key)
    const coming: Coming[] = []
    const breathe = breather()
    for (const registration of there) {
      const text = JSON.stringify(registration)
      const isThere = kept.get(registration.id)?.found === text
      if (!isThere && isAlive(scope, registration.id)) coming.push({ scope, found: text, registration })
      await breathe()
    }
    return coming
  }

  async function put(coming: readonly Coming[], signal: AbortSignal): Promise<void> {
    const lives = coming.map(({ registration }) =>
      inItsLife(registration, registry.find(registration.id)?.registration),
    )
    const receipts = await registry.put(lives, signal)
    for (const [at, { scope, found }] of coming.entries()) {
      const receipt = receipts[at]
      if (receipt === undefined) continue
      const { id, outcome, registration, why = 'it conflicts with another one', mayPass } = receipt
      if (outcome !== 'conflict') {
        scope.kept.set(id, { found, registration })
        accept(scope, id)
        continue
      }
      if (!refused.has(id)) logger.warn({ id, why }, 'Reporter that was found could not be registered')
      refused.set(id, why)
      scope.refused.add(id)
      // What stands in the way of it is a life that we wrote ourselves: discoverers know which one lives.
      if (mayPass !== true) await registry.withdraw(id, undefined, signal)
    }
  }

  async function renew(signal: AbortSignal): Promise<void> {
    renewedAt = clock.monotonic()
    const alive = new Map<string, Scope>()
    const breathe = breather()
    for (const scope of scopes.values()) {
      // What was refused, or has become ours or another's, is looked at again.
      const isOurs = owns(`discovery/${scope.key}`)
      if (isOurs !== scope.isOurs || (isOurs && scope.kept.size < scope.found.reporters.length)) mark(scope)
      if (isOurs) for (const id of scope.kept.keys()) if (isAlive(scope, id)) alive.set(id, scope)
      await breathe()
    }
    if (alive.size === 0) return
    const lives = Array.from(alive.keys(), (id) => ({ id }))
    for (const id of await registry.renew(lives, signal)) {
      const scope = alive.get(id)
      if (scope === undefined) continue
      scope.kept.delete(id)
      mark(scope)
    }
  }

  /** Withdraws what a discoverer had found in an earlier life of ours, and does not find any more. */
  async function sweep(signal: AbortSignal): Promise<void> {
    for (const [discoverer, look] of looks.all()) {
      const { completeAt, sweptAt } = look
      if (completeAt === undefined || (sweptAt !== undefined && completeAt - sweptAt < sweepMs)) continue
      const breathe = breather()
      for (const { registration } of registry.view()?.targets ?? []) {
        if (registration.labels[finderLabel] === discoverer && isOver(registration))
          await registry.withdraw(registration.id, registration.incarnation, signal)
        await breathe()
      }
      look.sweptAt = completeAt
    }
  }

  function isOver({ id, namespace, app }: Registration): boolean {
    const key = `${namespace}/${app}`
    if (!owns(`discovery/${key}`)) return false
    const scope = scopes.get(key)
    // Whose reporter is still being looked for may be at the place that the registry has.
    return scope === undefined || (!scope.kept.has(id) && scope.found.silent.length === 0 && !dirty.has(scope))
  }

  async function settle(signal: AbortSignal): Promise<void> {
    const began = clock.monotonic()
    await write(signal)
    if (clock.monotonic() - renewedAt >= renewMs) await renew(signal)
    await sweep(signal)
    for (const [, look] of looks.all())
      if (look.completeAt !== undefined && look.completeAt <= began) look.hasLooked = true
  }

  async function keep(signal: AbortSignal): Promise<void> {
    const rings = bell.listen(signal)
    do {
      try {
        await settle(signal)
        if (isFailing) logger.info({}, 'Reporters that were found can be registered again')
        isFailing = false
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof UnavailableError)) throw error
        if (!isFailing) logger.warn({ error: describeError(error) }, 'Reporters that were found cannot be registered')
        isFailing = true
        renewedAt = Number.NEGATIVE_INFINITY
        await clock.sleep(againMs, signal)
        bell.ring()
      }
    } while (!(await rings.next()).done)
  }

  return {
    name: 'registrar',
    run: (signal) =>
      together(signal, [
        keep,
        (both) =>
          poll({ intervalMs: tickMs, clock }, both, async () => {
            if (clock.monotonic() - renewedAt >= renewMs) bell.ring()
          }),
      ]),
    reportOf: (discoverer, intervalMs) => {
      looks.of(discoverer)
      const freshMs = Math.max(leastFreshMs, freshIntervals * intervalMs)
      return {
        update: (found) => {
          if (looks.isWanted(discoverer)) take(discoverer, freshMs, found)
        },
        cycle: ({ complete }) => {
          if (!looks.isWanted(discoverer)) return
          if (complete) looks.of(discoverer).completeAt = clock.monotonic()
          bell.ring()
        },
      }
    },
    retain: (discoverers) => {
      looks.retain(discoverers)
      for (const { discoverer, freshMs, found } of [...scopes.values()])
        if (!looks.isWanted(discoverer)) take(discoverer, freshMs, { ...found, ended: true })
    },
    firstLooks: () => Array.from(looks.all(), ([name, { hasLooked }]) => ({ name, hasLooked })),
    refused: () => refused,
  }
}
