import { describe, expect, it } from 'vitest'
import { filterLabel } from '../../src/flink/filter-label.ts'
import { createPageParser } from '../../src/flink/parse-page.ts'
import { bigYarn } from '../../src/simulator/flink-load.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'

describe('A big YARN', () => {
  it('has so many TaskManagers on many hosts, each with a page of that size that names it', async () => {
    const kafka = createKafkaState('4.3', [1], seededRandom(1))
    for (const topic of ['a', 'b']) kafka.createTopic(topic, 8)
    await using yarn = await bigYarn(kafka, { applications: 5, taskManagers: 4, pageBytes: 650_000 })
    const { world } = yarn
    const taskManagers = world.processes().filter(({ process }) => process.kind === 'taskmanager')

    expect(taskManagers).toHaveLength(20)
    expect(world.yarn.all.every(({ state }) => state === 'RUNNING')).toBe(true)
    expect(new Set(taskManagers.map(({ process }) => process.host)).size).toBe(3)
    const pages = await Promise.all(
      taskManagers.map(async ({ process }) => {
        const answer = await fetch(`http://${process.host}:${process.reporterPort}/metrics`)
        const parser = createPageParser((text) => text)
        parser.push(Buffer.from(await answer.arrayBuffer()))
        return { process, page: parser.end() }
      }),
    )
    for (const { process, page } of pages) {
      expect([page.tmId, page.badLines]).toEqual([filterLabel(process.id), 0])
      expect(page.bytes).toBeGreaterThan(650_000)
      expect(page.bytes).toBeLessThan(700_000)
    }
    expect(pages.reduce((sum, { page }) => sum + page.partitions.length, 0)).toBe(5 * 8)
  })
})
