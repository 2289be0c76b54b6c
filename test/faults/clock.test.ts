import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { aheadSeconds, type FalseClock, falseClock } from './faketime.ts'
import { fault, runFaults } from './runner.ts'
import { keepShortLeases } from './short-leases.ts'
import { eventually, injected } from './waiting.ts'
import type { World, WorldOptions } from './world.ts'

let clock: FalseClock

const trueTime = async (): Promise<WorldOptions> => {
  clock = await falseClock()
  return clock.options
}
const year1970 = async (): Promise<WorldOptions> => {
  clock = await falseClock('@1970-01-01 00:00:10')
  return clock.options
}

/** Milliseconds of processor time in the next `ms`: a burst of timers would be seen in it. */
async function work({ process: { pid } }: World, ms: number): Promise<number> {
  const used = async (): Promise<number> => {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  }
  const before = await used()
  await sleep(ms)
  return (await used()) - before
}

/** Samples below zero: nothing that we measure ever is. */
async function negatives(world: World): Promise<readonly string[]> {
  const { text } = await world.ask('/metrics/self')
  return text.split('\n').filter((line) => /^[a-z_]+(?:\{.*\})? -/.test(line))
}

interface Outcome {
  readonly lost: number
  readonly busyMs: number
  readonly negative: readonly string[]
}

async function through(world: World, jump: () => Promise<void>): Promise<Outcome> {
  const leases = await keepShortLeases(world)
  await sleep(2_000)
  await jump()
  const busyMs = await work(world, 8_000)
  const negative = await negatives(world)
  return { lost: await leases.stop(), busyMs, negative }
}

async function nothingHappened(_world: World, { lost, busyMs, negative }: Outcome): Promise<void> {
  expect(lost).toBe(0)
  expect(busyMs).toBeLessThan(4_000)
  expect(negative).toEqual([])
}

const jumpTo = (time: string, seconds: number) => (world: World) =>
  through(world, async () => {
    await clock.set(time)
    // The date in an answer is a second old at most.
    await eventually('the jump to be seen', 3_000, async () => Math.abs((await aheadSeconds(world)) - seconds) < 60)
  })

const backToTrueTime = () => clock.set('+0')

runFaults('C', [
  fault({
    id: 'C01',
    title: 'a wall clock that goes back one hour ends no lease and sets off no burst',
    world: trueTime,
    inject: jumpTo('-3600', -3_600),
    expect: nothingHappened,
    heal: backToTrueTime,
  }),
  fault({
    id: 'C02',
    title: 'a wall clock that goes ahead two hours ends no lease and sets off no burst',
    world: trueTime,
    inject: jumpTo('+7200', 7_200),
    expect: nothingHappened,
    heal: backToTrueTime,
  }),
  fault({
    id: 'C03',
    title: 'a wall clock that jumps by four seconds ten times a second ends no lease and sets off no burst',
    world: trueTime,
    inject: async (world) => {
      const seen = new Set<number>()
      let isOver = false
      const strobe = (async () => {
        for (let isAhead = false; !isOver; isAhead = !isAhead) {
          await clock.set(isAhead ? '+4' : '-4')
          await sleep(100)
          seen.add(Math.sign(await aheadSeconds(world)))
        }
      })()
      const outcome = await through(world, async () => undefined)
      isOver = true
      await strobe
      injected(seen.has(1) && seen.has(-1), 'the wall clock of the daemon did not jump both ways')
      return outcome
    },
    expect: nothingHappened,
    heal: backToTrueTime,
  }),
  fault({
    id: 'C04',
    title: 'a wall clock that says 1970 at the start, and the true time later, ends no lease',
    world: year1970,
    inject: async (world) => {
      const ahead = await aheadSeconds(world)
      injected(ahead < -1_000_000_000, `the wall clock of the daemon is ${ahead} s ahead`)
      return through(world, () => clock.set('+0'))
    },
    expect: nothingHappened,
  }),
])
