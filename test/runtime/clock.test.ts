import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/runtime/clock.ts'

describe('The clock of the system', () => {
  it('wakes nobody before his time', async () => {
    const { signal } = new AbortController()
    const sleeps = Array.from({ length: 300 }, async (_, index) => {
      const ms = 1 + index * 0.37
      const began = systemClock.monotonic()
      await systemClock.sleep(ms, signal)
      return systemClock.monotonic() - began - ms
    })

    expect(Math.min(...(await Promise.all(sleeps)))).toBeGreaterThanOrEqual(0)
  })

  it('wakes whoever is told to', async () => {
    const stop = new AbortController()
    const began = systemClock.monotonic()
    setTimeout(() => stop.abort(), 20)
    await systemClock.sleep(60_000, stop.signal)
    await systemClock.sleep(60_000, stop.signal)

    expect(systemClock.monotonic() - began).toBeLessThan(10_000)
  })
})
