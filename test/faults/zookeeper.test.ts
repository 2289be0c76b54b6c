import { describe, expect, it } from 'vitest'
import { chooseSeed } from '../fakes/mutate.ts'
import { damageAll } from '../zookeeper/mutations.ts'

describe('100,000 damaged ZooKeeper frames a codec', () => {
  it('make DecodeErrors and nothing else, quickly', () => {
    const seed = chooseSeed()

    const results = damageAll(seed, 100_000)

    console.table(results.map(({ codec, read, refused, slowestMs }) => ({ codec, read, refused, slowestMs })))
    for (const { codec, escaped, slowestMs } of results) {
      expect(escaped, `${codec}, LAGKEEPER_SEED=${seed}`).toEqual([])
      expect(slowestMs, `${codec}, LAGKEEPER_SEED=${seed}`).toBeLessThan(1_000)
    }
  })
})
