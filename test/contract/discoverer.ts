import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Discoverer } from '../../src/discovery/discoverer.ts'
import { idOf, splitId } from '../../src/targets/identity.ts'
import { parseAddress } from '../../src/targets/parse-address.ts'
import { type Collected, collect, start } from '../discovery/report.ts'

/** A runtime that has one scope with processes, and time that can pass. */
export interface DiscovererWorld {
  discoverer(): Discoverer
  /** Lets so much time pass that there is at least one full look. */
  look(): Promise<void>
  /** A process with a reporter starts; the address of its reporter. */
  startProcess(): Promise<string>
  /** It ends, and the runtime knows. */
  endProcess(address: string): Promise<void>
  /** What the scope runs in cannot be read any more, or can be again. */
  breakDown(): void
  hang(): void
  recover(): void
  /** How many connections are open. */
  open(): number
}

/** What everybody who looks for reporters promises. */
export function discovererContract(name: string, create: () => DiscovererWorld): void {
  describe(`discoverer contract: ${name}`, () => {
    let world: DiscovererWorld
    let report: Collected
    let running: AsyncDisposable

    const addresses = (): readonly string[] => Object.values(report.addresses()).sort()

    beforeEach(() => {
      world = create()
      report = collect()
    })
    afterEach(() => running[Symbol.asyncDispose]())

    it('reports a scope whole, with identities and addresses that a registry takes', async () => {
      const some = [await world.startProcess(), await world.startProcess()].sort()
      running = start(world.discoverer(), report)
      await world.look()

      expect(addresses()).toEqual(some)
      expect(report.cycles.at(-1)).toEqual({ complete: true, problems: [] })
      const reporters = [...report.scopes().values()].flatMap((scope) => scope.reporters)
      for (const one of reporters) {
        expect(splitId(idOf(one))).toBeDefined()
        expect(parseAddress(one.address)?.kind).not.toBe('name')
        expect(one.incarnation).toMatch(/^[!-.0-~]{1,64}$/)
        expect(one.facts.flinkCluster).toBe(one.namespace)
      }
      expect(new Set(reporters.map(idOf)).size).toBe(reporters.length)
    })

    it('reports what has come and leaves out what has gone', async () => {
      const first = await world.startProcess()
      running = start(world.discoverer(), report)
      await world.look()

      await world.endProcess(first)
      const second = await world.startProcess()
      await world.look()

      expect(addresses()).toEqual([second])
    })

    it('does not report a scope that cannot be read, and says that the look was not complete', async () => {
      const first = await world.startProcess()
      running = start(world.discoverer(), report)
      await world.look()

      world.breakDown()
      await world.look()
      report.updates.length = 0
      await world.look()

      expect(report.updates).toEqual([])
      expect(report.cycles.at(-1)?.complete).toBe(false)
      expect(report.cycles.at(-1)?.problems.length).toBeGreaterThan(0)

      world.recover()
      await world.look()
      await world.look()
      expect(addresses()).toEqual([first])
      expect(report.cycles.at(-1)).toEqual({ complete: true, problems: [] })
    })

    it('ends when it is told to, even while whom it asks hangs, and leaves nothing open', async () => {
      await world.startProcess()
      world.hang()
      running = start(world.discoverer(), report)
      await world.look()

      await running[Symbol.asyncDispose]()

      expect(world.open()).toBe(0)
    })

    it('can be run again', async () => {
      const first = await world.startProcess()
      const discoverer = world.discoverer()
      running = start(discoverer, report)
      await world.look()
      await running[Symbol.asyncDispose]()

      report = collect()
      running = start(discoverer, report)
      await world.look()

      expect(addresses()).toEqual([first])
    })
  })
}
