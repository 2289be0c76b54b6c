import { describe, expect, it } from 'vitest'
import { createBell } from '../../src/runtime/bell.ts'
import { withDeadline } from '../../src/runtime/deadline.ts'
import { poll } from '../../src/runtime/poll.ts'
import { retryDelay } from '../../src/runtime/retry.ts'
import { fakeClock } from '../fakes/clock.ts'

describe('poll()', () => {
  it('runs at each multiple of the interval, without drift, and skips what a slow run missed', async () => {
    const clock = fakeClock()
    const stop = new AbortController()
    const at: number[] = []
    const done = poll({ intervalMs: 100, clock }, stop.signal, async (signal) => {
      at.push(clock.monotonic())
      await clock.sleep(at.length === 3 ? 250 : 10, signal)
    })
    await clock.advance(0)
    for (let step = 0; step < 80; step++) await clock.advance(10)
    stop.abort()
    await done

    expect(at).toEqual([0, 100, 200, 500, 600, 700, 800])
  })

  it('runs once more for any number of rings, not sooner than after the gap, and keeps its pace', async () => {
    const clock = fakeClock()
    const stop = new AbortController()
    const bell = createBell()
    const at: number[] = []
    const done = poll({ intervalMs: 100, sooner: { bell, gapMs: 20 }, clock }, stop.signal, async () => {
      at.push(clock.monotonic())
    })
    await clock.advance(0)
    for (let step = 1; step <= 25; step++) {
      await clock.advance(10)
      // The first two within the gap after the run at 0, two at 150, one right before a run that is due.
      if ([1, 2, 15, 19].includes(step)) bell.ring()
      if (step === 15) bell.ring()
      await clock.advance(0)
    }
    stop.abort()
    await done

    expect(at).toEqual([0, 20, 40, 100, 150, 190, 200])
  })

  it('ends with the error of its task', async () => {
    const failing = poll({ intervalMs: 100, clock: fakeClock() }, new AbortController().signal, () =>
      Promise.reject(new Error('no')),
    )

    await expect(failing).rejects.toThrow('no')
  })
})

describe('retryDelay()', () => {
  it.each([
    [1, 0, 100],
    [2, 0, 200],
    [3, 0, 400],
    [9, 0, 1_000],
    [1, 0.5, 75],
  ])('attempt %i with random %d waits %d ms', (attempt, random, expected) => {
    expect(retryDelay({ firstMs: 100, factor: 2, maxMs: 1_000, jitter: 0.5 }, attempt, random)).toBe(expected)
  })
})

describe('withDeadline()', () => {
  const never = (): Promise<never> => new Promise(() => undefined)

  it('gives the result, or says what took too long', async () => {
    expect(await withDeadline('add', 1_000, new AbortController().signal, async () => 3)).toBe(3)
    await expect(withDeadline('wait', 5, new AbortController().signal, never)).rejects.toMatchObject({
      message: 'wait: no answer within 5 ms',
      timedOut: true,
    })
  })

  it("rejects with the caller's reason when the caller aborts", async () => {
    const stop = new AbortController()
    const waiting = withDeadline('wait', 10_000, stop.signal, never)
    stop.abort(new Error('enough'))

    await expect(waiting).rejects.toThrow('enough')
  })
})
