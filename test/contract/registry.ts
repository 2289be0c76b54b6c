import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { registration, registrations } from '../targets/samples.ts'

/** A registry that runs, in a world where time can pass and the process can die. */
export interface RegistryWorld extends AsyncDisposable {
  registry(): Registry
  /** Lets time pass for leases. */
  pass(ms: number): Promise<void>
  /** The process dies without a word, and another one starts with the same storage. */
  crash(): Promise<void>
  /** Ends the run. */
  stop(): Promise<void>
}

/** Registrations of the suite have this lease, and worlds are opened with this linger time. */
const contractLeaseSeconds = 5
export const contractLingerSeconds = 3

const signal = AbortSignal.timeout(600_000)

/** What every registry promises. */
export function registryContract(name: string, open: () => Promise<RegistryWorld>): void {
  describe(`registry contract: ${name}`, () => {
    let world: RegistryWorld
    const one = (overrides: Partial<Registration> = {}): Registration =>
      registration({ leaseSeconds: contractLeaseSeconds, ...overrides })
    const put = (...many: Registration[]) => world.registry().put(many, signal)
    const outcomes = async (...many: Registration[]) => (await put(...many)).map(({ outcome }) => outcome)
    const renew = (id: string, incarnation?: string) =>
      world.registry().renew([incarnation === undefined ? { id } : { id, incarnation }], signal)
    const states = () =>
      Object.fromEntries(
        (world.registry().view()?.targets ?? []).map(({ registration: { instance, incarnation }, state }) => [
          `${instance} ${incarnation}`,
          state,
        ]),
      )
    /** Views follow writes at once or a moment later. */
    const eventually = (expected: Readonly<Record<string, string>>) =>
      expect.poll(states, { timeout: 10_000, interval: 20 }).toEqual(expected)

    beforeEach(async () => {
      world = await open()
    })
    afterEach(async () => {
      await world[Symbol.asyncDispose]()
    })

    it('lists what was put, once, and finds it by its id', async () => {
      expect(await outcomes(one(), one({ instance: 'tm-2', address: '10.0.0.8:1' }))).toEqual(['created', 'created'])

      await eventually({ 'tm-1 1': 'listed', 'tm-2 1': 'listed' })
      expect(world.registry().find(one().id)?.registration).toEqual(one())
      expect(world.registry().find('payments/orders/taskmanager/nobody')).toBeUndefined()
    })

    it('renews the same again and replaces what has changed', async () => {
      await put(one())

      expect(await outcomes(one())).toEqual(['renewed'])
      expect(await outcomes(one({ labels: { team: 'a' } }))).toEqual(['replaced'])
      expect(await outcomes(one({ address: '10.0.0.9:1', incarnation: '2' }))).toEqual(['replaced'])
      await eventually({ 'tm-1 2': 'listed' })
      expect(
        world
          .registry()
          .view()
          ?.targets.map(({ registration: { address } }) => address),
      ).toEqual(['10.0.0.9:1'])
    })

    it('refuses an older number and a superseded word, and touches nothing else for it', async () => {
      await put(one({ incarnation: '10' }), one({ instance: 'tm-2', incarnation: 'first', address: '10.0.0.8:1' }))
      await put(one({ instance: 'tm-2', incarnation: 'second', address: '10.0.0.8:1' }))

      const receipts = await put(
        one({ incarnation: '9' }),
        one({ instance: 'tm-3', address: '10.0.0.9:1' }),
        one({ instance: 'tm-2', incarnation: 'first', address: '10.0.0.8:1' }),
      )

      expect(receipts.map(({ outcome }) => outcome)).toEqual(['conflict', 'created', 'conflict'])
      expect(receipts[0]?.why).toContain('superseded by "10"')
      await eventually({ 'tm-1 10': 'listed', 'tm-2 second': 'listed', 'tm-3 1': 'listed' })
    })

    it('decides a batch as if it came one by one', async () => {
      expect(await outcomes(one(), one({ incarnation: '2' }), one(), one({ incarnation: '2' }))).toEqual([
        'created',
        'replaced',
        'conflict',
        'renewed',
      ])
      await eventually({ 'tm-1 2': 'listed' })
    })

    it('ends a withdrawn registration at once', async () => {
      await put(one(), one({ instance: 'tm-2', address: '10.0.0.8:1' }))

      expect(await world.registry().withdraw(one().id, '1', signal)).toBe('ended')
      await eventually({ 'tm-2 1': 'listed' })
      expect(await world.registry().withdraw(one().id, '1', signal)).toBe('unknown')
      expect(await outcomes(one())).toEqual(['created'])
    })

    it('does not let an older life end a newer one', async () => {
      await put(one({ incarnation: '2' }))

      expect(await world.registry().withdraw(one().id, '1', signal)).toBe('superseded')
      expect(await world.registry().withdraw(one().id, 'word', signal)).toBe('superseded')
      await eventually({ 'tm-1 2': 'listed' })
      expect(await world.registry().withdraw(one().id, undefined, signal)).toBe('ended')
      await eventually({})
    })

    it('gives an address to the newcomer of the same namespace, and never back to the life that lost it', async () => {
      await put(one({ instance: 'old' }))

      expect(await outcomes(one({ instance: 'new' }))).toEqual(['created'])
      await eventually({ 'new 1': 'listed' })
      expect(await renew(one({ instance: 'old' }).id)).toEqual([one({ instance: 'old' }).id])
      expect(await outcomes(one({ instance: 'old' }))).toEqual(['conflict'])
      expect(await outcomes(one({ instance: 'old', incarnation: '2', address: '10.0.0.8:1' }))).toEqual(['created'])
    })

    it('protects the address of another namespace while its owner is alive', async () => {
      await put(one())

      const [receipt] = await put(one({ namespace: 'fraud', instance: 'thief' }))

      expect(receipt?.outcome).toBe('conflict')
      await eventually({ 'tm-1 1': 'listed' })
      expect(await outcomes(one({ namespace: 'fraud', instance: 'neighbour', zone: 'dc-2' }))).toEqual(['created'])
    })

    it('knows who may send heartbeats', async () => {
      await put(one({ incarnation: '2' }))

      expect(await renew(one().id)).toEqual([])
      expect(await renew(one().id, '2')).toEqual([])
      expect(await renew(one().id, '1')).toEqual([one().id])
      expect(await renew('payments/orders/taskmanager/nobody')).toEqual(['payments/orders/taskmanager/nobody'])
    })

    it('keeps who sends heartbeats, and lets who does not linger and go', async () => {
      await put(one(), one({ instance: 'silent', address: '10.0.0.8:1' }))
      await eventually({ 'tm-1 1': 'listed', 'silent 1': 'listed' })

      for (let second = 0; second < contractLeaseSeconds + 1; second++) {
        await world.pass(1_000)
        await renew(one().id)
      }
      await eventually({ 'tm-1 1': 'listed', 'silent 1': 'lingering' })
      for (let second = 0; second < contractLingerSeconds + 1; second++) {
        await world.pass(1_000)
        await renew(one().id)
      }
      await eventually({ 'tm-1 1': 'listed' })
    })

    it('takes back who lingers at the first sign of life', async () => {
      await put(one())
      await world.pass((contractLeaseSeconds + 1) * 1_000)
      await eventually({ 'tm-1 1': 'lingering' })

      expect(await renew(one().id)).toEqual([])
      await eventually({ 'tm-1 1': 'listed' })

      await world.pass((contractLeaseSeconds + 1) * 1_000)
      await eventually({ 'tm-1 1': 'lingering' })
      expect(await outcomes(one())).toEqual(['renewed'])
      await eventually({ 'tm-1 1': 'listed' })
    })

    it('has after a crash all that was acknowledged, with a full lease', async () => {
      await put(...registrations(50, { leaseSeconds: contractLeaseSeconds }))
      await world.registry().withdraw(registrations(1)[0]!.id, undefined, signal)
      await put(...registrations(2, { leaseSeconds: contractLeaseSeconds, incarnation: '2' }))
      await world.pass((contractLeaseSeconds - 2) * 1_000)

      await world.crash()

      await expect.poll(() => Object.keys(states()).length, { timeout: 20_000 }).toBe(50)
      expect(states()).toMatchObject({ 'tm-0 2': 'listed', 'tm-1 2': 'listed', 'tm-49 1': 'listed' })
      await world.pass((contractLeaseSeconds - 2) * 1_000)
      expect(new Set(Object.values(states()))).toEqual(new Set(['listed']))
      expect(await renew(one({ instance: 'tm-1' }).id, '2')).toEqual([])
    })

    it('says why a target is listed, why it is lost, and why it left', async () => {
      const explain = (id: string) => world.registry().explain(id)
      await put(one(), one({ instance: 'tm-2', address: '10.0.0.8:1' }))
      await expect.poll(() => explain(one().id)?.target?.state).toBe('listed')
      expect(explain('payments/orders/taskmanager/nobody')).toEqual({ quarantined: [], departures: [] })

      await world.registry().withdraw(one({ instance: 'tm-2' }).id, undefined, signal)
      await expect
        .poll(() => explain(one({ instance: 'tm-2' }).id)?.departures.map(({ why }) => why))
        .toEqual(['its end was announced'])

      await world.pass((contractLeaseSeconds + 1) * 1_000)
      await expect.poll(() => explain(one().id)?.lost?.why).toContain('no sign of life')
      expect(explain(one().id)?.lost?.leavesInMs).toBeGreaterThan(0)
      await world.pass((contractLingerSeconds + 2) * 1_000)
      await expect
        .poll(() => explain(one().id)?.departures[0])
        .toMatchObject({ address: one().address, incarnation: '1' })
      expect(explain(one().id)).not.toHaveProperty('target')
    })

    it('holds so many that are lost at once, and lets those go who are released', async () => {
      const many = registrations(12, { leaseSeconds: contractLeaseSeconds })
      const ids = many.map(({ id }) => id)
      await put(...many)
      await world.pass((contractLeaseSeconds + contractLingerSeconds + 2) * 1_000)
      await expect.poll(() => Object.values(states())).toEqual(Array.from(many, () => 'held'))

      expect(world.registry().release([ids[0]!, 'nobody'])).toEqual([ids[0]])
      await world.pass(2_000)
      await expect.poll(() => Object.values(states())).toHaveLength(11)
      expect(await renew(ids[1]!)).toEqual([])
      expect(world.registry().release()).toHaveLength(10)
      await world.pass(2_000)
      await eventually({ 'tm-1 1': 'listed' })
    })

    it('tells of changes', async () => {
      const stop = new AbortController()
      const before = world.registry().view()?.version ?? 0
      const heard = (async () => {
        for await (const _ of world.registry().changes(stop.signal))
          if (world.registry().view()?.targets.length === 1) return world.registry().view()?.version ?? 0
        return 0
      })()

      await put(one())

      expect(await heard).toBeGreaterThan(before)
      stop.abort()
    })

    it('refuses to write once it has stopped, and keeps its last view', async () => {
      await put(one())
      await eventually({ 'tm-1 1': 'listed' })

      await world.stop()

      await expect(put(one({ incarnation: '2' }))).rejects.toThrow(UnavailableError)
      await expect(world.registry().withdraw(one().id, '1', signal)).rejects.toThrow(UnavailableError)
      expect(states()).toEqual({ 'tm-1 1': 'listed' })
    })
  })
}
