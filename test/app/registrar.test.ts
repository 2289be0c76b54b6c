import { expect, it } from 'vitest'
import { createRegistrar, type Registrar } from '../../src/app/registrar.ts'
import type { DiscoveryReport, FoundReporter, FoundScope } from '../../src/discovery/discoverer.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { pass } from '../discovery/report.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { registration } from '../targets/samples.ts'

interface Registering extends AsyncDisposable {
  readonly clock: FakeClock
  readonly registry: Registry
  readonly registrar: Registrar
  readonly report: DiscoveryReport
  readonly answering: Set<string>
  readonly notOurs: Set<string>
  readonly down: { is: boolean }
  /** Address and state of the target list, by instance. */
  targets(): Readonly<Record<string, string>>
}

async function registering(): Promise<Registering> {
  const clock = fakeClock()
  const registry = createEmbeddedRegistry({ storagePath: undefined }, { clock, logger: silentLogger })
  const answering = new Set<string>()
  const notOurs = new Set<string>()
  const down = { is: false }
  const orDown = <T>(work: () => T): T => {
    if (down.is) throw new UnavailableError('Write to the registry: it is down')
    return work()
  }
  const registrar = createRegistrar({
    registry: {
      ...registry,
      put: async (many, signal) => orDown(() => registry.put(many, signal)),
      renew: async (many, signal) => orDown(() => registry.renew(many, signal)),
      withdraw: async (id, life, signal) => orDown(() => registry.withdraw(id, life, signal)),
    },
    owns: (key) => !notOurs.has(key),
    isAnswering: (id) => answering.has(id),
    clock,
    logger: silentLogger,
  })
  const stop = new AbortController()
  const done = Promise.all([registry.run(stop.signal), registrar.run(stop.signal)])
  const report = registrar.reportOf('yarn/prod', 10_000)
  await pass(clock, 100)
  return {
    clock,
    registry,
    registrar,
    report,
    answering,
    notOurs,
    down,
    targets: () =>
      Object.fromEntries(
        (registry.view()?.targets ?? []).map(({ registration: { instance, address }, state }) => [
          instance,
          state === 'listed' ? address : `${address} ${state}`,
        ]),
      ),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await done
    },
  }
}

const application = 'application_1_0001'

function reporter(instance: string, address: string, overrides: Partial<FoundReporter> = {}): FoundReporter {
  return {
    namespace: 'prod',
    app: application,
    role: 'taskmanager',
    instance,
    incarnation: '1',
    address,
    zone: 'default',
    tmId: instance,
    facts: { kind: 'flink-tm', flinkCluster: 'prod', applicationId: application },
    ...overrides,
  }
}

function scope(reporters: readonly FoundReporter[], overrides: Partial<FoundScope> = {}): FoundScope {
  return { scope: application, flinkCluster: 'prod', reporters, silent: [], jobs: [], ...overrides }
}

const a = reporter('tm-a', '10.0.0.1:9250')
const b = reporter('tm-b', '10.0.0.1:9251')

it('registers what is found, keeps it alive, and withdraws at once what is not found any more', async () => {
  await using one = await registering()
  one.report.update(scope([a, b]))
  await pass(one.clock, 500)
  expect(one.targets()).toEqual({ 'tm-a': '10.0.0.1:9250', 'tm-b': '10.0.0.1:9251' })
  expect(one.registry.find('prod/application_1_0001/taskmanager/tm-a')?.registration).toMatchObject({
    facts: a.facts,
    labels: { discoverer: 'yarn/prod' },
    leaseSeconds: 30,
  })

  for (let look = 0; look < 12; look++) {
    one.report.update(scope([a, b]))
    await pass(one.clock, 10_000)
  }
  expect(one.targets()).toEqual({ 'tm-a': '10.0.0.1:9250', 'tm-b': '10.0.0.1:9251' })

  one.report.update(scope([b]))
  await pass(one.clock, 200)
  expect(one.targets()).toEqual({ 'tm-b': '10.0.0.1:9251' })
  one.report.update(scope([], { ended: true }))
  await pass(one.clock, 200)
  expect(one.targets()).toEqual({})
})

it('gives a port to its new owner within the same report', async () => {
  await using one = await registering()
  one.report.update(scope([a, b]))
  await pass(one.clock, 500)

  one.report.update(
    scope([reporter('tm-c', a.address), reporter('tm-b', '10.0.0.1:9252'), { ...a, address: b.address }]),
  )
  await pass(one.clock, 200)

  expect(one.targets()).toEqual({ 'tm-c': '10.0.0.1:9250', 'tm-b': '10.0.0.1:9252', 'tm-a': '10.0.0.1:9251' })
})

it('renews what a scope that cannot be read had, for those whose pages answer; the others lapse', async () => {
  await using one = await registering()
  one.report.update(scope([a, b]))
  await pass(one.clock, 500)
  one.answering.add('prod/application_1_0001/taskmanager/tm-a')

  await pass(one.clock, 90_000)
  expect(one.targets()).toEqual({ 'tm-a': '10.0.0.1:9250', 'tm-b': '10.0.0.1:9251 lingering' })
  await pass(one.clock, 60_000)
  expect(one.targets()).toEqual({ 'tm-a': '10.0.0.1:9250' })
})

it('withdraws who has ended while the scope cannot be read, and keeps nobody for longer because of that', async () => {
  await using one = await registering()
  one.report.update(scope([a, b, reporter('tm-c', '10.0.0.1:9253')]))
  await pass(one.clock, 30_000)
  one.answering.add('prod/application_1_0001/taskmanager/tm-b')

  one.report.update(scope([b, reporter('tm-c', '10.0.0.1:9253')], { isRemembered: true }))
  await pass(one.clock, 200)
  expect(one.targets()).toEqual({ 'tm-b': '10.0.0.1:9251', 'tm-c': '10.0.0.1:9253' })
  await pass(one.clock, 40_000)
  expect(one.targets()).toEqual({ 'tm-b': '10.0.0.1:9251', 'tm-c': '10.0.0.1:9253 lingering' })
})

it('tries again while the registry cannot be written', async () => {
  await using one = await registering()
  one.down.is = true
  one.report.update(scope([a]))
  one.report.cycle({ complete: true, problems: [] })
  await pass(one.clock, 5_000)
  expect(one.targets()).toEqual({})
  expect(one.registrar.firstLooks()).toEqual([{ name: 'yarn/prod', hasLooked: false }])

  one.down.is = false
  await pass(one.clock, 1_500)
  expect(one.targets()).toEqual({ 'tm-a': '10.0.0.1:9250' })
  expect(one.registrar.firstLooks()).toEqual([{ name: 'yarn/prod', hasLooked: true }])
})

it('has looked only after a complete look whose reporters are registered', async () => {
  await using one = await registering()
  one.report.update(scope([a]))
  one.report.cycle({ complete: false, problems: [] })
  await pass(one.clock, 1_000)
  expect(one.registrar.firstLooks()[0]?.hasLooked).toBe(false)

  one.report.cycle({ complete: true, problems: [] })
  await pass(one.clock, 1_000)
  expect(one.registrar.firstLooks()[0]?.hasLooked).toBe(true)
})

it('writes nothing of a scope that another replica owns, and leaves to it what was written', async () => {
  await using one = await registering()
  one.notOurs.add('discovery/prod/application_1_0001')
  one.report.update(scope([a]))
  await pass(one.clock, 1_000)
  expect(one.targets()).toEqual({})

  one.notOurs.clear()
  await pass(one.clock, 11_000)
  expect(one.targets()).toEqual({ 'tm-a': '10.0.0.1:9250' })

  one.notOurs.add('discovery/prod/application_1_0001')
  one.report.update(scope([]))
  await pass(one.clock, 1_000)
  expect(one.targets()).toEqual({ 'tm-a': '10.0.0.1:9250' })
})

it('withdraws what it had found in an earlier life, when a complete look does not find it', async () => {
  await using one = await registering()
  const old = { labels: { discoverer: 'yarn/prod' }, namespace: 'prod', role: 'taskmanager' }
  const ghost = registration({ ...old, app: 'application_1_0099', instance: 'tm-x', address: '10.0.0.9:1' })
  const gone = registration({ ...old, app: application, instance: 'tm-y', address: '10.0.0.9:2' })
  const self = registration({ namespace: 'prod', app: 'x', instance: 'tm-z', address: '10.0.0.9:3' })
  await one.registry.put([ghost, gone, self], AbortSignal.timeout(1_000))

  one.report.update(scope([a]))
  one.report.cycle({ complete: false, problems: [] })
  await pass(one.clock, 1_000)
  expect(Object.keys(one.targets()).sort()).toEqual(['tm-a', 'tm-x', 'tm-y', 'tm-z'])

  one.report.cycle({ complete: true, problems: [] })
  await pass(one.clock, 1_000)
  expect(Object.keys(one.targets()).sort()).toEqual(['tm-a', 'tm-z'])
})

it('goes on with the life that the registry has after a restart', async () => {
  await using one = await registering()
  const before = registration({
    namespace: 'prod',
    app: application,
    instance: 'tm-a',
    address: a.address,
    incarnation: '4',
  })
  await one.registry.put([before], AbortSignal.timeout(1_000))

  one.report.update(scope([a]))
  await pass(one.clock, 500)
  expect(one.registry.find(before.id)?.registration.incarnation).toBe('4')

  one.report.update(scope([{ ...a, address: '10.0.0.1:9299' }]))
  await pass(one.clock, 500)
  expect(one.registry.find(before.id)?.registration).toMatchObject({ incarnation: '5', address: '10.0.0.1:9299' })

  one.report.update(scope([]))
  await pass(one.clock, 500)
  expect(one.targets()).toEqual({})
})

it('leaves alone what registers itself, and takes its address when that is free', async () => {
  await using one = await registering()
  const self = registration({ namespace: 'payments', instance: 'self', address: a.address })
  await one.registry.put([self], AbortSignal.timeout(1_000))
  one.report.update(scope([{ ...a, registeredAs: self.id }]))
  await pass(one.clock, 500)
  expect(one.targets()).toEqual({ self: a.address })

  one.report.update(scope([a]))
  await pass(one.clock, 500)
  expect(one.targets()).toEqual({ self: a.address })
  expect([...one.registrar.refused().values()].join()).toContain('belongs to namespace "payments"')

  await one.registry.withdraw(self.id, undefined, AbortSignal.timeout(1_000))
  await pass(one.clock, 11_000)
  expect(one.targets()).toEqual({ 'tm-a': a.address })
  expect(one.registrar.refused().size).toBe(0)
})

it('forgets what was refused when it is not found any more', async () => {
  await using one = await registering()
  const self = registration({ namespace: 'payments', instance: 'self', address: a.address })
  await one.registry.put([self], AbortSignal.timeout(1_000))
  one.report.update(scope([a]))
  await pass(one.clock, 500)
  expect(one.registrar.refused().size).toBe(1)

  one.report.update(scope([], { ended: true }))
  await pass(one.clock, 500)
  expect(one.registrar.refused().size).toBe(0)
})

it('withdraws what a discoverer has found that is not wanted any more', async () => {
  await using one = await registering()
  one.report.update(scope([a]))
  one.registrar.reportOf('flink/dev', 10_000)
  await pass(one.clock, 500)

  one.registrar.retain(['flink/dev'])
  // It is being stopped, and has a last word.
  one.report.update(scope([a, b]))
  one.report.cycle({ complete: true, problems: [] })
  await pass(one.clock, 500)
  expect(one.targets()).toEqual({})
  expect(one.registrar.firstLooks()).toEqual([{ name: 'flink/dev', hasLooked: false }])

  one.registrar.retain(['flink/dev', 'yarn/prod'])
  one.report.update(scope([a, b]))
  one.report.cycle({ complete: true, problems: [] })
  await pass(one.clock, 500)
  expect(Object.keys(one.targets())).toEqual(['tm-a', 'tm-b'])
  expect(one.registrar.firstLooks()).toContainEqual({ name: 'yarn/prod', hasLooked: true })
})

it('ends five hundred targets of one application within a second', async () => {
  await using one = await registering()
  const many = Array.from({ length: 500 }, (_, at) => reporter(`tm-${at}`, `10.0.${at >> 8}.${at & 255}:9250`))
  one.report.update(scope(many))
  await pass(one.clock, 1_000)
  expect(Object.keys(one.targets())).toHaveLength(500)

  one.report.update(scope([], { ended: true }))
  await pass(one.clock, 1_000)
  expect(one.targets()).toEqual({})
})
