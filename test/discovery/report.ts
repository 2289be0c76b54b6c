import type { Discoverer, DiscoveryReport, FoundReporter, FoundScope } from '../../src/discovery/discoverer.ts'
import type { Problem } from '../../src/model/problem.ts'
import { idOf } from '../../src/targets/identity.ts'
import type { FakeClock } from '../fakes/clock.ts'

/** What a discoverer has reported, as a test looks at it. */
export interface Collected extends DiscoveryReport {
  readonly updates: FoundScope[]
  readonly cycles: { complete: boolean; problems: readonly Problem[] }[]
  /** The latest of each scope, without those that have ended. */
  scopes(): ReadonlyMap<string, FoundScope>
  reporter(id: string): FoundReporter | undefined
  /** Address by the last part of the id, of all that is there. */
  addresses(): Readonly<Record<string, string>>
}

export function collect(): Collected {
  const updates: FoundScope[] = []
  const cycles: { complete: boolean; problems: readonly Problem[] }[] = []
  const scopes = new Map<string, FoundScope>()
  const all = (): FoundReporter[] => [...scopes.values()].flatMap(({ reporters }) => reporters)
  return {
    updates,
    cycles,
    update: (found) => {
      updates.push(found)
      if (found.ended) scopes.delete(found.scope)
      else scopes.set(found.scope, found)
    },
    cycle: (done) => {
      cycles.push(done)
    },
    scopes: () => scopes,
    reporter: (id) => all().find((one) => idOf(one) === id),
    addresses: () => Object.fromEntries(all().map(({ instance, address }) => [instance, address])),
  }
}

/** Runs a discoverer until it is disposed of. */
export function start(
  discoverer: Discoverer,
  report: DiscoveryReport,
): AsyncDisposable & { readonly done: Promise<void> } {
  const stop = new AbortController()
  const done = discoverer.run(report, stop.signal)
  done.catch(() => undefined)
  return {
    done,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await done
    },
  }
}

/** Lets time pass in steps that are short enough for what was begun in one to be seen by the next. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(Math.min(stepMs, ms - passed))
  }
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const stepMs = 50
