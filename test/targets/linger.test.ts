import { expect, it } from 'vitest'
import { createLinger } from '../../src/targets/linger.ts'
import { target } from './samples.ts'

it('keeps a lost target for its time and no longer', () => {
  const linger = createLinger(60_000)
  const lost = target()

  expect(linger.lost(lost, 1_000)).toEqual({ ...lost, state: 'lingering' })
  expect(linger.sweep(60_999)).toEqual([])
  expect([...linger.targets()]).toHaveLength(1)
  expect(linger.sweep(61_000)).toEqual([{ ...lost, state: 'lingering' }])
  expect([...linger.targets()]).toEqual([])
})

it('counts from the first loss', () => {
  const linger = createLinger(60_000)

  linger.lost(target(), 0)
  linger.lost(target(), 50_000)

  expect(linger.sweep(60_000)).toHaveLength(1)
})

it('forgets who is back', () => {
  const linger = createLinger(60_000)
  const lost = target()

  linger.lost(lost, 0)
  linger.forget(lost.registration.id)

  expect(linger.get(lost.registration.id)).toBeUndefined()
  expect(linger.sweep(100_000)).toEqual([])
})
