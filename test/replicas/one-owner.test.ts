import fc from 'fast-check'
import { expect, it } from 'vitest'
import { replicas } from '../../src/replicas/index.ts'
import type { Replicas } from '../../src/replicas/replicas.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { fakeClock } from '../fakes/clock.ts'
import { createSimulatedEnsemble, createSimulatedProcess, type SimulatedProcess } from './simulated-ensemble.ts'

/** All times are multiples of it, so that looking once in a step misses no moment. */
const stepMs = 40
const timeoutMs = 3_600
const keys = Array.from({ length: 4 }, (_, index) => `kafka/cluster-${index}`)
const ids = ['a', 'b', 'c']

type Act =
  | { readonly kind: 'start' | 'stop' | 'kill' | 'freeze' | 'thaw' | 'cut' | 'mend'; readonly who: number }
  | { readonly kind: 'slow'; readonly who: number; readonly latencyMs: number; readonly lagMs: number }

interface Move {
  readonly act: Act
  /** Until the next one. */
  readonly thenMs: number
}

const grid = (max: number) => fc.integer({ min: 0, max: max / stepMs }).map((steps) => steps * stepMs)
const who = fc.nat({ max: ids.length - 1 })
const plain = (...kinds: Exclude<Act['kind'], 'slow'>[]) => fc.record({ kind: fc.constantFrom(...kinds), who })
const slow = fc.record({ kind: fc.constant('slow' as const), who, latencyMs: grid(600), lagMs: grid(3_600) })
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: plain('start') },
  { weight: 2, arbitrary: plain('stop', 'kill') },
  { weight: 4, arbitrary: fc.oneof(plain('freeze', 'cut'), slow) },
  { weight: 1, arbitrary: plain('thaw', 'mend') },
)
const move: fc.Arbitrary<Move> = fc.record({
  act,
  thenMs: fc.oneof({ weight: 3, arbitrary: grid(600) }, { weight: 1, arbitrary: grid(9_000) }),
})

/** What chance finds too seldom. Somebody comes while the server of another is far behind. */
const joinUnseen: readonly Move[] = [
  { act: { kind: 'stop', who: 1 }, thenMs: 4_000 },
  { act: { kind: 'slow', who: 0, latencyMs: 0, lagMs: 3_600 }, thenMs: 40 },
  { act: { kind: 'start', who: 1 }, thenMs: 9_000 },
]

/** Its session has ended before it knows. */
const leaveSlowly: readonly Move[] = [0, 1, 0].flatMap((who) => [
  { act: { kind: 'slow', who, latencyMs: 80, lagMs: 0 }, thenMs: 4_000 },
  { act: { kind: 'stop', who }, thenMs: 4_000 },
  { act: { kind: 'start', who }, thenMs: 9_000 },
])

interface Running {
  readonly process: SimulatedProcess
  readonly replica: Replicas
  readonly stop: AbortController
  readonly done: Promise<void>
}

function openWorld() {
  const clock = fakeClock()
  const ensemble = createSimulatedEnsemble(clock, timeoutMs)
  const running = new Map<number, Running>()
  /** What is stopping is asked to its last moment; what was killed goes on in the simulation, but says nothing more. */
  const stopping: Running[] = []
  const dead: Running[] = []

  function start(index: number): void {
    if (running.has(index)) return
    const process = createSimulatedProcess(ensemble, clock)
    const stop = new AbortController()
    const replica = replicas.zookeeper(
      {
        connect: 'simulated:1',
        id: ids[index]!,
        version: '1',
        url: () => `http://${ids[index]}`,
        sessionTimeoutMs: timeoutMs,
      },
      { clock: process.clock, logger: silentLogger, connect: () => process.client },
    )
    running.set(index, { process, replica, stop, done: replica.run(stop.signal) })
  }

  function leave(index: number, how: 'stop' | 'kill'): void {
    const one = running.get(index)
    if (one === undefined) return
    running.delete(index)
    if (how === 'kill') {
      dead.push(one)
      one.process.isCut = true
      one.process.freeze()
    } else {
      stopping.push(one)
      one.stop.abort()
    }
  }

  function perform(next: Act): void {
    const process = running.get(next.who)?.process
    if (next.kind === 'start') start(next.who)
    else if (next.kind === 'stop' || next.kind === 'kill') leave(next.who, next.kind)
    else if (process === undefined) return
    else if (next.kind === 'freeze') process.freeze()
    else if (next.kind === 'thaw') process.thaw()
    else if (next.kind === 'cut') process.isCut = true
    else if (next.kind === 'mend') process.isCut = false
    else if (next.kind === 'slow') Object.assign(process, { latencyMs: next.latencyMs, lagMs: next.lagMs })
  }

  const owners = (key: string) =>
    [...running.values(), ...stopping].filter(({ replica }) => replica.owns(key)).map(({ replica }) => replica.self)

  return {
    perform,
    start,
    running,
    owners,
    pass: async (ms: number, look: () => void): Promise<void> => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await clock.advance(stepMs)
        ensemble.tick()
        look()
      }
    },
    end: async (): Promise<void> => {
      const all = [...running.values(), ...stopping, ...dead]
      for (const one of all) {
        one.process.isCut = false
        one.process.thaw()
        one.stop.abort()
      }
      let left = all.length
      for (const { done } of all) void done.then(() => left--)
      for (let passed = 0; left > 0 && passed < 4 * timeoutMs; passed += stepMs) await clock.advance(stepMs)
      expect(left, 'still running').toBe(0)
    },
  }
}

it('lets two replicas never own the same key, and every key be owned when all is well again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 3, maxLength: 12 }), async (moves) => {
      const world = openWorld()
      const atMostOne = () => {
        for (const key of keys) expect(world.owners(key).length, key).toBeLessThanOrEqual(1)
      }
      world.start(0)
      world.start(1)
      try {
        await world.pass(2 * timeoutMs, atMostOne)
        for (const { act: next, thenMs } of moves) {
          world.perform(next)
          atMostOne()
          await world.pass(thenMs, atMostOne)
        }
        for (const { process } of world.running.values()) {
          Object.assign(process, { isCut: false, latencyMs: 0, lagMs: 0 })
          process.thaw()
        }
        world.start(0)
        await world.pass(5 * timeoutMs, atMostOne)

        for (const key of keys) {
          const [owner] = world.owners(key)
          expect(owner, key).toBeDefined()
          for (const { replica } of world.running.values()) expect(replica.owner(key)?.id, key).toBe(owner)
        }
      } finally {
        await world.end()
      }
    }),
    {
      numRuns: Number(process.env['REPLICA_RUNS'] ?? 40),
      examples: [[[...joinUnseen]], [[...leaveSlowly]]],
      // Leaves time to say what was found.
      interruptAfterTimeLimit: 90_000,
      markInterruptAsFailure: true,
    },
  )
}, 120_000)
