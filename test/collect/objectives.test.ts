import { expect, it } from 'vitest'
import { objectivesOf } from '../../src/collect/objectives.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'

const topics = Array.from({ length: 12 }, (_, index) => `t${index}`)
const { parts } = fakeSnapshot(
  topics.map((topic) => ({
    consumer: { name: 'c', kind: 'classic', group: 'c' },
    topic,
    partition: 0,
    position: 0n,
    start: 0n,
    end: 0n,
  })),
)

it('asks once for each consumer and topic, and keeps every objective of both', async () => {
  const promise = { records: 5, owner: 'o' } as const
  const objectives = await objectivesOf(parts, (consumer, topic) =>
    topic === 't3'
      ? []
      : [
          { consumer, topic, ...promise, severity: 'warning' },
          { consumer, topic, ...promise, severity: 'critical' },
        ],
  )

  expect(objectives.map(({ consumer, topic }) => `${consumer} ${topic}`).toSorted()).toEqual(
    topics.flatMap((topic) => (topic === 't3' ? [] : [`c ${topic}`, `c ${topic}`])).toSorted(),
  )
})

it('lets others run in between when decisions take long', async () => {
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)

  await objectivesOf(parts, () => {
    const until = performance.now() + 12
    while (performance.now() < until);
    return []
  })
  isOver = true

  expect(turns).toBeGreaterThanOrEqual(topics.length - 1)
})
