import { expect, it } from 'vitest'
import { createQuota } from '../../src/http/quota.ts'
import type { Target } from '../../src/model/target.ts'
import { fakeClock } from '../fakes/clock.ts'
import { registration, target } from '../targets/samples.ts'
import { grant } from './registration-world.ts'

function listed(...namespaces: string[]): Target[] {
  return namespaces.map((namespace) => ({ ...target(), registration: { ...registration(), namespace } }))
}

const of = (...names: string[]) => ({ namespaces: { covers: (name: string) => names.includes(name), text: '' } })

it('counts what is listed in the namespaces of the token, whoever put it there', () => {
  const quota = createQuota(() => listed('a', 'a', 'b', 'c'), fakeClock())

  expect(quota.reserve(grant('x', { ...of('a', 'b'), quota: 3 }), 'a')).toBeUndefined()
  expect(quota.reserve(grant('x', { ...of('a', 'b'), quota: 4 }), 'a')).toBeDefined()
  expect(quota.reserve(grant('x', { ...of('c'), quota: 2 }), 'c')).toBeDefined()
})

it('counts what is on its way, for every token that covers the namespace, until it came to nothing', () => {
  const quota = createQuota(() => listed('a'), fakeClock())
  const [one, two] = [grant('1', { ...of('a'), quota: 2 }), grant('2', { ...of('a', 'b'), quota: 2 })]

  const settle = quota.reserve(one, 'a')

  expect(quota.reserve(one, 'a')).toBeUndefined()
  expect(quota.reserve(two, 'b')).toBeUndefined()
  settle?.(false)
  expect(quota.reserve(two, 'b')).toBeDefined()
})

it('looks at the list again after a second, with what is on its way then', async () => {
  const clock = fakeClock()
  let targets = listed('a', 'a')
  const quota = createQuota(() => targets, clock)
  const token = grant('x', { ...of('a'), quota: 2 })
  expect(quota.reserve(token, 'a')).toBeUndefined()

  targets = listed('a')
  await clock.advance(999)
  expect(quota.reserve(token, 'a')).toBeUndefined()
  await clock.advance(1)
  expect(quota.reserve(token, 'a')).toBeDefined()
  await clock.advance(1000)
  expect(quota.reserve(token, 'a')).toBeUndefined()
})

it('has room for everything without a limit', () => {
  expect(createQuota(() => listed('a'), fakeClock()).reserve(grant('x'), 'a')).toBeDefined()
})
