import { describe, expect, it } from 'vitest'
import { buildPage } from '../../src/http/target-page.ts'
import type { Target } from '../../src/model/target.ts'
import { registrations } from '../targets/samples.ts'

const targets: readonly Target[] = registrations(3_000).map((registration, order) => ({
  registration,
  state: 'listed',
  order,
}))

describe('a page made after another', () => {
  it('shares every part with it when targets have only taken other places', async () => {
    const before = await buildPage(targets)
    const after = await buildPage(targets.map((one) => ({ ...one, order: one.order + 5_000 })).toReversed(), before)

    expect(after.parts.every((part, index) => part === before.parts[index])).toBe(true)
    expect(after.etag).toBe(before.etag)
  })

  it.each<[string, (one: Target) => Target]>([
    ['another state', (one) => ({ ...one, state: 'lingering' })],
    ['another registration', (one) => ({ ...one, registration: { ...one.registration, labels: { team: 'new' } } })],
  ])('renders the one part again in which a target has %s, wherever it stands', async (_, change) => {
    const before = await buildPage(targets)
    const changed = targets.map((one, index) => (index === 1_234 ? change(one) : one)).toReversed()
    const after = await buildPage(changed, before)

    expect(after.parts.filter((part, index) => part !== before.parts[index])).toHaveLength(1)
    expect(Buffer.concat(after.chunks).equals(Buffer.concat((await buildPage(changed)).chunks))).toBe(true)
  })

  it('renders a part again that one target left and another joined', async () => {
    const [gone, ...rest] = targets
    const before = await buildPage(targets)
    const after = await buildPage(rest, before)

    expect(after.parts.filter((part, index) => part !== before.parts[index])).toHaveLength(1)
    expect(Buffer.concat(after.chunks).includes(`"${gone?.registration.address}"`)).toBe(false)
  })
})
