import { expect, it } from 'vitest'
import { createRateLimit } from '../../src/http/rate-limit.ts'
import { fakeClock } from '../fakes/clock.ts'

it('gives a burst at once, then so many a second, and says how long to wait', async () => {
  const clock = fakeClock()
  const limit = createRateLimit(clock)
  const take = () => limit.take('a', { perSecond: 10, burst: 3 })

  expect([take(), take(), take()]).toEqual([undefined, undefined, undefined])
  expect(take()).toBeCloseTo(0.1)
  await clock.advance(99)
  expect(take()).toBeCloseTo(0.001)
  await clock.advance(2)
  expect(take()).toBeUndefined()
})

it('never saves up more than a burst', async () => {
  const clock = fakeClock()
  const limit = createRateLimit(clock)
  const take = () => limit.take('a', { perSecond: 10, burst: 2 })
  take()

  await clock.advance(3_600_000)

  expect([take(), take()]).toEqual([undefined, undefined])
  expect(take()).toBeGreaterThan(0)
})

it('forgets the key that was asked for longest ago when strangers make up too many', () => {
  const limit = createRateLimit(fakeClock())
  const rate = { perSecond: 1, burst: 1 }
  limit.take('mine', rate)
  limit.take('other', rate)
  limit.take('mine', rate)

  for (let index = 0; index < 9_999; index++) limit.take(`stranger ${index}`, rate)

  expect(limit.take('mine', rate)).toBeGreaterThan(0)
  expect(limit.take('other', rate)).toBeUndefined()
})
