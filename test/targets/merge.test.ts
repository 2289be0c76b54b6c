import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addressKey, type Target } from '../../src/model/target.ts'
import { mergeTargets } from '../../src/targets/merge.ts'
import { target } from './samples.ts'

function merge(...sources: Target[][]) {
  const steps = mergeTargets(sources)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

const elsewhere = target({ instance: 'elsewhere', address: '10.9.9.9:1' })

it('gives an address to the newer owner', () => {
  const older = target({ instance: 'a' }, 'listed', 1)
  const newer = target({ instance: 'b' }, 'listed', 2)

  expect(merge([newer, older], [elsewhere])).toEqual({ targets: [newer, elsewhere], duplicates: 1 })
  expect(merge([older, newer], [elsewhere])).toEqual({ targets: [newer, elsewhere], duplicates: 1 })
})

it('keeps the same address in two zones apart', () => {
  const one = target({ instance: 'a', zone: 'dc-1' })
  const two = target({ instance: 'b', zone: 'dc-2' })

  expect(merge([one], [two]).targets).toEqual([one, two])
})

it('gives an address to who shows signs of life, whoever came last', () => {
  const alive = target({ instance: 'a' }, 'listed', 1)
  const lost = target({ instance: 'b' }, 'lingering', 2)

  expect(merge([alive], [lost]).targets).toEqual([alive])
  expect(merge([lost], [alive]).targets).toEqual([alive])
})

it('keeps the newer life of an identity, wherever it is', () => {
  const old = target({ incarnation: '7', address: '10.0.0.1:1' }, 'listed', 9)
  const young = target({ incarnation: '10', address: '10.0.0.2:1' }, 'listed', 1)

  expect(merge([old], [young]).targets).toEqual([young])
  expect(merge([young], [old]).targets).toEqual([young])
})

it('prefers the earlier source for one owner in two', () => {
  const registered = target({ labels: { from: 'registry' } })
  const found = target({ labels: { from: 'file' } }, 'listed', 99)

  expect(merge([registered], [found]).targets).toEqual([registered])
})

it('has no id and no address twice, and does not depend on the order inside a source', () => {
  const anyTarget = fc
    .record({
      instance: fc.constantFrom('a', 'b', 'c', 'd'),
      address: fc.constantFrom('10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1'),
      zone: fc.constantFrom('x', 'y'),
      incarnation: fc.constantFrom('1', '2', 'life'),
      state: fc.constantFrom('listed' as const, 'lingering' as const),
    })
    .map(({ state, ...rest }) => ({ rest, state }))
  fc.assert(
    fc.property(
      fc.array(anyTarget, { minLength: 1, maxLength: 12 }),
      fc.array(anyTarget, { minLength: 1, maxLength: 6 }),
      (first, second) => {
        const one = first.map(({ rest, state }, order) => target(rest, state, order))
        const two = second.map(({ rest, state }, order) => target(rest, state, order))

        const { targets, duplicates } = merge(one, two)
        const turned = merge(one.toReversed(), two.toReversed())

        expect(new Set(targets.map(({ registration }) => registration.id)).size).toBe(targets.length)
        expect(new Set(targets.map(({ registration }) => addressKey(registration))).size).toBe(targets.length)
        expect(targets.length + duplicates).toBe(one.length + two.length)
        expect(new Set(turned.targets)).toEqual(new Set(targets))
      },
    ),
  )
})
