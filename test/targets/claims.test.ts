import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addressKey, type Target } from '../../src/model/target.ts'
import { createClaims } from '../../src/targets/claims.ts'
import { mergeTargets } from '../../src/targets/merge.ts'
import { target } from './samples.ts'

it('lists the newest life and the newest owner, and those behind them once they are gone', () => {
  const claims = createClaims()
  const old = target({ instance: 'old' }, 'listed', 1)
  const young = target({ instance: 'young' }, 'listed', 2)

  expect(claims.set('/old', old)).toBe(true)
  expect(claims.set('/young', young)).toBe(true)
  expect([...claims.winners()]).toEqual([young])
  expect(claims.losers()).toBe(1)
  expect(claims.lifeOf(old.registration.id)).toBe(old)
  expect(claims.set('/young', undefined)).toBe(true)
  expect([...claims.winners()]).toEqual([old])
})

it('says whether the list has changed', () => {
  const claims = createClaims()
  const one = target({}, 'listed', 2)

  expect(claims.set('/a', one)).toBe(true)
  expect(claims.set('/a', one)).toBe(false)
  expect(claims.set('/b', target({}, 'listed', 1))).toBe(false)
  expect(claims.set('/b', undefined)).toBe(false)
  expect(claims.set('/c', undefined)).toBe(false)
})

it('comes to the same list as a merge of everything, after any changes', () => {
  const anyTarget = fc
    .record({
      instance: fc.constantFrom('a', 'b', 'c', 'd'),
      address: fc.constantFrom('10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1'),
      incarnation: fc.constantFrom('1', '2', 'life'),
      state: fc.constantFrom('listed' as const, 'lingering' as const),
    })
    .map(({ state, ...rest }) => ({ rest, state }))
  const step = fc.tuple(fc.constantFrom('/1', '/2', '/3', '/4', '/5', '/6'), fc.option(anyTarget, { nil: undefined }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const claims = createClaims()
      const all = new Map<string, Target>()
      for (const [order, [place, one]] of steps.entries()) {
        const next = one === undefined ? undefined : target(one.rest, one.state, order)
        const before = [...claims.winners()]
        const hasChanged = claims.set(place, next)
        expect(hasChanged).toBe(!sameSet(before, [...claims.winners()]))
        if (next === undefined) all.delete(place)
        else all.set(place, next)
      }

      // Two sources, so that the merge has something to do.
      expect(sameSet([...claims.winners()], merged([...all.values()]))).toBe(true)
      expect(claims.losers()).toBe(all.size - [...claims.winners()].length)
    }),
  )
})

function merged(targets: readonly Target[]): readonly Target[] {
  const far = target({ instance: 'far', address: '10.9.9.9:1' })
  const steps = mergeTargets([targets, [far]])
  for (;;) {
    const next = steps.next()
    if (next.done) return next.value.targets.filter((one) => one !== far)
  }
}

function sameSet(a: readonly Target[], b: readonly Target[]): boolean {
  const keys = (list: readonly Target[]) => list.map((one) => `${addressKey(one.registration)} ${one.order}`).toSorted()
  return keys(a).join() === keys(b).join()
}
