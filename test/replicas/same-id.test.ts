import { expect, it } from 'vitest'
import { replicas } from '../../src/replicas/index.ts'
import type { Replicas } from '../../src/replicas/replicas.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { createSimulatedEnsemble, createSimulatedProcess } from './simulated-ensemble.ts'

const timeoutMs = 3_600
const stepMs = 40

function openWorld() {
  const clock = fakeClock()
  const ensemble = createSimulatedEnsemble(clock, timeoutMs)
  return {
    clock,
    pass: async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await clock.advance(stepMs)
        ensemble.tick()
      }
    },
    start: (id: string) => startReplica(id, clock, ensemble),
  }
}

function startReplica(id: string, clock: FakeClock, ensemble: ReturnType<typeof createSimulatedEnsemble>) {
  const process = createSimulatedProcess(ensemble, clock)
  const errors: string[] = []
  const logger: Logger = {
    ...silentLogger,
    error: (_, message) => void errors.push(message),
    child: () => logger,
  }
  const replica: Replicas = replicas.zookeeper(
    { connect: 'simulated:1', id, version: '1', url: () => `http://${id}`, sessionTimeoutMs: timeoutMs },
    { clock: process.clock, logger, connect: () => process.client },
  )
  const stop = new AbortController()
  const done = replica.run(stop.signal)
  return { process, replica, errors, stop, done }
}

const ended = async ({ pass }: ReturnType<typeof openWorld>, ...all: ReturnType<typeof startReplica>[]) => {
  for (const { process, stop } of all) {
    process.isCut = false
    process.thaw()
    stop.abort()
  }
  await pass(timeoutMs)
  await Promise.all(all.map(({ done }) => done))
}

it('waits for its earlier life, which was killed, without a word of reproach, and takes its place', async () => {
  const world = openWorld()
  const first = world.start('a')
  await world.pass(timeoutMs)
  expect(first.replica.owns('k')).toBe(true)

  first.process.isCut = true
  first.process.freeze()
  const second = world.start('a')
  await world.pass(timeoutMs / 2)
  expect(second.replica.owns('k')).toBe(false)
  await world.pass(2 * timeoutMs)

  expect(second.replica.owns('k')).toBe(true)
  expect(second.errors).toEqual([])
  await ended(world, first, second)
})

it('says once that another replica has its id when that one goes on living, and shares with nobody', async () => {
  const world = openWorld()
  const first = world.start('a')
  await world.pass(timeoutMs)
  const copy = world.start('a')

  await world.pass(timeoutMs)
  expect(copy.errors).toEqual([])
  await world.pass(9 * timeoutMs)

  expect(copy.errors).toEqual([
    'Another replica has the same id: its storage is a copy of ours, remove replica.id from one of them and restart it',
  ])
  expect([first.replica.owns('k'), copy.replica.owns('k')]).toEqual([true, false])
  expect(first.errors).toEqual([])
  await ended(world, first, copy)
})

it('does not take its own earlier session for another replica', async () => {
  const world = openWorld()
  const only = world.start('a')
  await world.pass(timeoutMs)

  only.process.isCut = true
  await world.pass(2 * timeoutMs)
  only.process.isCut = false
  await world.pass(9 * timeoutMs)

  expect(only.errors).toEqual([])
  expect(only.replica.owns('k')).toBe(true)
  await ended(world, only)
})

it('owns until two thirds of the session have passed without an answer, and tells it at that moment', async () => {
  const world = openWorld()
  const a = world.start('a')
  await world.pass(2 * timeoutMs)
  const over = new AbortController()
  const lostAt: number[] = []
  const heard = (async () => {
    for await (const _ of a.replica.changes(over.signal)) if (!a.replica.owns('k')) lostAt.push(world.clock.monotonic())
  })()

  const cutAt = world.clock.monotonic()
  a.process.isCut = true
  await world.pass(timeoutMs)

  // It looks six times in that time: the last look before the cut was at most a sixth of it ago.
  expect(lostAt).toHaveLength(1)
  expect((lostAt[0] ?? 0) - cutAt).toBeGreaterThan(((timeoutMs * 2) / 3) * (5 / 6) - stepMs)
  expect((lostAt[0] ?? 0) - cutAt).toBeLessThanOrEqual((timeoutMs * 2) / 3)
  over.abort()
  await heard
  await ended(world, a)
})
