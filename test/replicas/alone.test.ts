import { expect, it } from 'vitest'
import { replicas } from '../../src/replicas/index.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { replicasContract } from '../contract/replicas.ts'

replicasContract('alone', async () => ({
  create: (options) => replicas.alone(options, { clock: systemClock }),
  [Symbol.asyncDispose]: async () => undefined,
}))

it('owns everything before anybody could reach it, and has nothing that another replica could know', async () => {
  const stop = new AbortController()
  const alone = replicas.alone({ id: 'a', version: '1', url: () => undefined }, { clock: systemClock })
  const done = alone.run(stop.signal)

  expect(alone.owns('kafka/main')).toBe(true)
  expect([alone.owner('kafka/main'), alone.members(), alone.secretOf('a')]).toEqual([undefined, [], undefined])
  stop.abort()
  await done
})
