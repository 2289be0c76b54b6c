import { expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import type { Probe } from '../../src/registry/identity-book.ts'
import type { LeaseOutcome } from '../../src/registry/losses.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import type { Verdict } from '../../src/targets/process-identity.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { registration, registrations } from '../targets/samples.ts'

const signal = AbortSignal.timeout(600_000)
const leaseMs = 30_000
const lingerMs = 60_000
const holdMs = 900_000

interface World {
  readonly registry: Registry
  readonly clock: FakeClock
  readonly outcomes: readonly LeaseOutcome[]
  states(): Readonly<Record<string, number>>
}

/** As real clocks do, it never says the same twice. */
function restlessClock(): FakeClock {
  const clock = fakeClock()
  let asked = 0
  return { ...clock, monotonic: () => clock.monotonic() + ++asked * 1e-6 }
}

async function withRegistry(probe: Probe | undefined, use: (world: World) => Promise<void>): Promise<void> {
  const clock = restlessClock()
  const stop = new AbortController()
  const outcomes: LeaseOutcome[] = []
  const registry = createEmbeddedRegistry(
    { storagePath: undefined },
    {
      clock,
      logger: silentLogger,
      onOutcome: (outcome) => outcomes.push(outcome),
      ...(probe === undefined ? {} : { probe }),
    },
  )
  const done = registry.run(stop.signal)
  await expect.poll(() => registry.view()).toBeDefined()
  const states = () => {
    const counts: Record<string, number> = {}
    for (const { state } of registry.view()?.targets ?? []) counts[state] = (counts[state] ?? 0) + 1
    return counts
  }
  try {
    await use({ registry, clock, outcomes, states })
  } finally {
    stop.abort()
    await done
  }
}

/** A probe that says what the test says, and remembers what it was asked. */
function fakeProbe(first: Verdict, identity?: string) {
  const asked: string[] = []
  const world = { verdict: first, identity, asked }
  const probe: Probe = async ({ id }: Registration, known) => {
    asked.push(`${id} ${known ?? 'new'}`)
    const found = world.identity === undefined ? {} : { identity: world.identity }
    return { verdict: world.verdict, why: `the test says ${world.verdict}`, ...found }
  }
  return { world, probe }
}

const one = registration()

it('lets an announced end leave at once, whatever the number', async () => {
  await withRegistry(undefined, async ({ registry, states }) => {
    const many = registrations(100)
    await registry.put(many, signal)

    await Promise.all(many.map(({ id }) => registry.withdraw(id, undefined, signal)))

    expect(states()).toEqual({})
    expect(registry.explain(many[0]!.id)?.departures).toMatchObject([
      { why: 'its end was announced', incarnation: '1' },
    ])
  })
})

it('lets a silent one linger for its time, and says afterwards why it left', async () => {
  await withRegistry(undefined, async ({ registry, clock, states }) => {
    await registry.put([one], signal)
    await clock.advance(leaseMs + 1_000)
    expect(states()).toEqual({ lingering: 1 })
    const lost = registry.explain(one.id)?.lost
    expect(lost?.why).toBe('no sign of life for 30 s')
    expect(lost?.leavesInMs).toBeGreaterThan(lingerMs - 2_000)

    await clock.advance(lingerMs - 2_000)
    expect(states()).toEqual({ lingering: 1 })
    await clock.advance(3_000)
    await expect.poll(states).toEqual({})

    expect(registry.explain(one.id)).toEqual({
      quarantined: [],
      departures: [
        {
          id: one.id,
          incarnation: '1',
          address: one.address,
          at: expect.any(Number),
          why: 'no sign of life for 30 s; it lingered for 60 s',
        },
      ],
    })
  })
})

it('holds a mass loss, and lets it go after a quarter of an hour', async () => {
  await withRegistry(undefined, async ({ registry, clock, states }) => {
    await registry.put(registrations(40), signal)

    await clock.advance(leaseMs + lingerMs + 3_000)
    expect(states()).toEqual({ held: 40 })
    expect(registry.explain(registrations(1)[0]!.id)?.lost?.heldAt).toBeGreaterThan(0)
    await clock.advance(holdMs - 10_000)
    expect(states()).toEqual({ held: 40 })
    await clock.advance(12_000)
    await expect.poll(states).toEqual({})
  })
})

it('lists at once whoever is heard again while it is held', async () => {
  await withRegistry(undefined, async ({ registry, clock, states }) => {
    const many = registrations(40)
    await registry.put(many, signal)
    await clock.advance(leaseMs + lingerMs + 3_000)

    await registry.renew([{ id: many[0]!.id }], signal)
    await registry.put([many[1]!], signal)

    expect(states()).toEqual({ held: 38, listed: 2 })
    await clock.advance(leaseMs + 1_000)
    expect(states()).toEqual({ held: 38, lingering: 2 })
  })
})

it('lets go whom an operator releases, and nobody who is not held', async () => {
  await withRegistry(undefined, async ({ registry, clock, states }) => {
    const many = registrations(40)
    await registry.put(many, signal)
    await clock.advance(leaseMs + lingerMs + 3_000)
    await registry.put([registration({ instance: 'alive', address: '10.9.9.9:1' })], signal)
    const [first] = many

    expect(registry.release([first!.id, registration({ instance: 'alive' }).id, 'nobody'])).toEqual([first!.id])
    await clock.advance(2_000)
    await expect.poll(states).toEqual({ held: 39, listed: 1 })
    expect(registry.explain(first!.id)?.departures[0]?.why).toBe(
      'no sign of life for 30 s; it was held, and then released',
    )

    expect(registry.release()).toHaveLength(39)
    await clock.advance(2_000)
    await expect.poll(states).toEqual({ listed: 1 })
  })
})

it('does not let go whoever is heard between the release and its end', async () => {
  await withRegistry(undefined, async ({ registry, clock, states }) => {
    const many = registrations(20)
    await registry.put(many, signal)
    await clock.advance(leaseMs + lingerMs + 3_000)

    registry.release()
    await registry.renew([{ id: many[0]!.id }], signal)

    await clock.advance(2_000)
    await expect.poll(states).toEqual({ listed: 1 })
  })
})

it('keeps whose process still answers, for one more lease each time', async () => {
  const { world, probe } = fakeProbe('same', 'tm_id=a')
  await withRegistry(probe, async ({ registry, clock, outcomes, states }) => {
    await registry.put([one], signal)

    await clock.advance(4.5 * leaseMs)
    expect(states()).toEqual({ listed: 1 })
    expect(outcomes).toEqual(['alive', 'alive', 'alive', 'alive'])
    expect(world.asked.slice(0, 2)).toEqual([`${one.id} new`, `${one.id} tm_id=a`])

    world.verdict = 'gone'
    await clock.advance(leaseMs + lingerMs + 2_000)
    await expect.poll(states).toEqual({})
    expect(outcomes.at(-1)).toBe('gone')
  })
})

it('lets go at once whose port belongs to another process', async () => {
  const { world, probe } = fakeProbe('unverified', 'start=1')
  await withRegistry(probe, async ({ registry, clock, states }) => {
    await registry.put([one], signal)
    await clock.advance(5_000)
    expect(registry.explain(one.id)?.probe).toMatchObject({ verdict: 'same', learnt: 'start=1' })
    world.verdict = 'other'

    await clock.advance(leaseMs - 1_000)

    await expect.poll(states).toEqual({})
    expect(registry.explain(one.id)?.departures[0]?.why).toBe('no sign of life for 30 s; the test says other')
  })
})

it('gives a refused connection the time in which a process restarts', async () => {
  const { probe } = fakeProbe('gone')
  await withRegistry(probe, async ({ registry, clock, states }) => {
    await registry.put([one], signal)
    await clock.advance(leaseMs + lingerMs - 5_000)

    expect(states()).toEqual({ lingering: 1 })
  })
})

it('asks a silent one again while it lingers: one look decides nothing', async () => {
  const { world, probe } = fakeProbe('unverified', 'start=1')
  await withRegistry(probe, async ({ registry, clock, outcomes, states }) => {
    await registry.put([one], signal)
    await clock.advance(5_000)
    world.verdict = 'unknown'
    await clock.advance(leaseMs)
    expect(states()).toEqual({ lingering: 1 })

    world.verdict = 'same'
    await clock.advance(20_000)
    expect(states()).toEqual({ listed: 1 })
    expect(outcomes).toEqual(['unverified'])
  })
})

it('lets go target by target of those held whose process is gone', async () => {
  const { world, probe } = fakeProbe('unknown')
  await withRegistry(probe, async ({ registry, clock, states }) => {
    await registry.put(registrations(40), signal)
    await clock.advance(leaseMs + lingerMs + 3_000)
    expect(states()).toEqual({ held: 40 })

    await clock.advance(60_000)
    expect(states()).toEqual({ held: 40 })
    world.verdict = 'gone'
    await clock.advance(10_000)
    const { held = 0 } = states()
    expect(held).toBeGreaterThan(0)
    expect(held).toBeLessThan(40)
    await clock.advance(30_000)
    await expect.poll(states).toEqual({})
  })
})

it('lists a held one again whose process answers', async () => {
  const { world, probe } = fakeProbe('unverified', 'start=1')
  await withRegistry(probe, async ({ registry, clock, states }) => {
    await registry.put(registrations(20), signal)
    await clock.advance(5_000)
    world.verdict = 'unknown'
    await clock.advance(leaseMs + lingerMs)
    expect(states()).toEqual({ held: 20 })

    world.verdict = 'same'
    await clock.advance(60_000)

    expect(states()['held'] ?? 0).toBe(0)
    expect(states()['listed']).toBeGreaterThan(0)
  })
})

it.each([
  ['gone', 'created'],
  ['other', 'created'],
  ['same', 'conflict'],
  ['unverified', 'conflict'],
  ['unknown', 'conflict'],
] as const)('of the address of another namespace whose process is %s the outcome is %s', async (verdict, outcome) => {
  const { world, probe } = fakeProbe('unverified', 'start=1')
  await withRegistry(probe, async ({ registry, clock }) => {
    await registry.put([one], signal)
    await clock.advance(5_000)
    world.verdict = verdict
    const thief = registration({ namespace: 'fraud' })

    const [receipt] = await registry.put([thief], signal)

    expect(receipt?.outcome).toBe(outcome)
    expect(registry.find(one.id)?.registration).toEqual(outcome === 'created' ? undefined : one)
    expect(registry.find(thief.id) === undefined).toBe(outcome === 'conflict')
  })
})

it('does not look at anybody within a namespace: the newer wins', async () => {
  const { world, probe } = fakeProbe('same', 'start=1')
  await withRegistry(probe, async ({ registry }) => {
    await registry.put([one], signal)

    const [receipt] = await registry.put([registration({ instance: 'next' })], signal)

    expect(receipt?.outcome).toBe('created')
    expect(world.asked).toEqual([])
    expect(registry.explain(one.id)).toMatchObject({
      evicted: { incarnation: '1', by: registration({ instance: 'next' }).id },
      departures: [{ why: `"${registration({ instance: 'next' }).id}" has its address now` }],
    })
  })
})

it('asks little for a long list of strangers’ addresses', async () => {
  const { world, probe } = fakeProbe('unknown')
  await withRegistry(probe, async ({ registry }) => {
    const many = registrations(500)
    await registry.put(many, signal)

    const receipts = await registry.put(registrations(500, { namespace: 'fraud' }), signal)

    expect(new Set(receipts.map(({ outcome }) => outcome))).toEqual(new Set(['conflict']))
    expect(world.asked).toHaveLength(64)
  })
})

/** A probe whose answers come when the test says so. */
function slowProbe() {
  const waiting: ((verdict: Verdict) => void)[] = []
  const probe: Probe = (_, __, until) =>
    new Promise((resolve) => {
      until.addEventListener('abort', () => resolve({ verdict: 'unknown', why: 'stopped' }))
      waiting.push((verdict) => resolve({ verdict, why: `the test says ${verdict}` }))
    })
  return { waiting, probe }
}

it('serves as lost after five seconds whose look is not over', async () => {
  const { probe } = slowProbe()
  await withRegistry(probe, async ({ registry, clock, states }) => {
    await registry.put([one], signal)

    await clock.advance(leaseMs + 3_000)
    expect(states()).toEqual({ listed: 1 })
    expect(registry.explain(one.id)?.lost?.why).toBe('no sign of life for 30 s')
    await clock.advance(4_000)
    expect(states()).toEqual({ lingering: 1 })
    await clock.advance(lingerMs - 5_000)
    await expect.poll(states).toEqual({})
  })
})

it('does not believe a verdict on an earlier life', async () => {
  const { waiting, probe } = slowProbe()
  await withRegistry(probe, async ({ registry, clock, states }) => {
    await registry.put([one], signal)
    await clock.advance(leaseMs + 7_000)
    expect(states()).toEqual({ lingering: 1 })
    await registry.put([registration({ incarnation: '2' })], signal)
    await clock.advance(leaseMs + 7_000)
    expect(states()).toEqual({ lingering: 1 })

    // The look at the first life when it was lost; the first of all was to learn.
    waiting[1]?.('other')
    await clock.advance(2_000)

    expect(states()).toEqual({ lingering: 1 })
  })
})

it('does not give up a newer life for a look at the one before', async () => {
  const { waiting, probe } = slowProbe()
  await withRegistry(probe, async ({ registry }) => {
    await registry.put([one], signal)
    const thief = registry.put([registration({ namespace: 'fraud' })], signal)
    await expect.poll(() => waiting.length).toBe(1)
    await registry.put([registration({ incarnation: '2' })], signal)

    waiting[0]?.('gone')

    expect((await thief)[0]?.outcome).toBe('conflict')
    expect(registry.find(one.id)?.registration.incarnation).toBe('2')
  })
})

it('does not keep a registration waiting for a look that takes long', async () => {
  const { probe } = slowProbe()
  await withRegistry(probe, async ({ registry, clock }) => {
    await registry.put([one], signal)
    const thief = registry.put([registration({ namespace: 'fraud' })], signal)

    await clock.advance(4_500)

    expect((await thief)[0]?.outcome).toBe('conflict')
  })
})
