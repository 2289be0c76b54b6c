import { describe, expect, it } from 'vitest'
import type { SeenPage } from '../../src/jobs/facts.ts'
import { gaugesByJob } from '../../src/jobs/gauges.ts'
import { fakeReading, inSteps } from './fakes.ts'

function page(url: string, ...readings: readonly Parameters<typeof fakeReading>[0][]): SeenPage {
  return { url, page: { partitions: readings.map(fakeReading), operators: [] } }
}

describe('gaugesByJob()', () => {
  it('keeps what the last attempt of a subtask says, on whatever page it stands', () => {
    const pages = [
      page('http://a', { subtask: 0, attempt: 0, partition: 0, current: 5 }, { subtask: 1, attempt: 3, partition: 1 }),
      page('http://b', { subtask: 0, attempt: 1, partition: 2, current: 6 }),
    ]
    const [gauges, ...more] = [...inSteps(gaugesByJob(pages)).value.values()]

    expect(more).toEqual([])
    expect(gauges?.partitions.map(({ url, partition }) => [url, partition])).toEqual([
      ['http://a', 1],
      ['http://b', 2],
    ])
  })

  it('takes a step for each page', () => {
    const pages = Array.from({ length: 1000 }, (_, number) => page(`http://${number}`, { partition: number }))

    expect(inSteps(gaugesByJob(pages)).steps).toBeGreaterThan(1000)
  })
})
