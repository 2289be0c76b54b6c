import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { FakeClock } from './clock.ts'

const stepMs = 100

/** Lets the time of a test's clock pass in small steps, between which sockets have their turn. */
export async function stepFor(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await clock.advance(stepMs)
    await sleep(1)
  }
}

/** Lets time pass until `look` shows what is expected; no state that lasts for a step or longer is missed. */
export async function stepUntil(clock: FakeClock, look: () => unknown, expected: unknown): Promise<void> {
  for (let passed = 0; passed < 300_000; passed += stepMs) {
    try {
      expect(look()).toEqual(expected)
      return
    } catch {
      await stepFor(clock, stepMs)
    }
  }
  expect(look()).toEqual(expected)
}
