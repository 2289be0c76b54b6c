import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRecording } from '../../src/replay/read-recording.ts'
import { createReplay } from '../../src/replay/replay-cycles.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { pageOf, recordWorld, WINDOW_MS, type World } from './recorded-world.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lagkeeper-replay-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function replayed(file: string, objectives: World['objectives'] = () => []): Promise<readonly string[]> {
  const { head, cycles } = await openRecording(file, new AbortController().signal)
  const replay = createReplay({ head, windowMs: WINDOW_MS, noPosition: () => 'ignore', objectives })
  const pages: string[] = []
  for (let next = await cycles.next(); next.done !== true; next = await cycles.next())
    pages.push(pageOf(await replay.snapshot(next.value)))
  return pages
}

describe('replayed cycles', () => {
  it.each([2, 4])('give the pages that the daemon had, byte for byte (world %i)', async (seed) => {
    const random = seededRandom(seed)
    const pick = (below: number): number => Math.floor(random() * below)
    const topics = ['orders', 'payments', 'clicks', 'audit']
    const groups = ['billing', 'search', 'fraud', 'mail', 'orphan']
    const objectives: World['objectives'] = (consumer, topic) => [
      { consumer, topic, records: 100, owner: 'team', severity: 'warning' },
    ]
    const file = join(folder, 'random')
    const { pages } = await recordWorld({
      file,
      cycles: 40,
      objectives,
      prepare: ({ state }) => {
        for (const topic of topics) state.createTopic(topic, 1 + pick(6))
      },
      live: ({ state, faults }, cycle) => {
        for (const topic of topics) {
          const partitions = state.topics.get(topic)?.partitions.length
          if (partitions === undefined) {
            if (pick(3) === 0) state.createTopic(topic, 1 + pick(6))
            continue
          }
          for (let partition = 0; partition < partitions; partition++)
            if (pick(3) > 0) state.append(topic, partition, pick(200))
          for (const group of groups)
            if (pick(2) === 0 && partitions > 0)
              state.commit(group, topic, pick(partitions), BigInt(pick(100 * cycle + 1)))
        }
        const topic = topics[pick(4)]!
        const group = groups[pick(5)]!
        if (pick(10) === 0 && state.topics.has(topic)) state.deleteTopic(topic)
        if (pick(12) === 0 && state.topics.has(topic)) state.recreateTopic(topic, 1 + pick(6))
        if (pick(8) === 0) state.setGroup(group, { members: [{ assignment: { orders: [0] } }] })
        if (pick(8) === 0) state.setGroup(group, { members: [] })
        if (pick(10) === 0 && state.groups.has(group)) state.removeGroup(group)
        if (pick(15) === 0)
          faults.errorFor('OffsetFetch', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_LOAD_IN_PROGRESS')
        if (pick(15) === 0) faults.errorFor('ListOffsets', 'LEADER_NOT_AVAILABLE', 'LEADER_NOT_AVAILABLE')
        if (pick(20) === 0) state.denied.topics.add(topic)
        if (pick(8) === 0) state.denied.topics.clear()
      },
    })

    const again = await replayed(file, objectives)

    expect(pages.at(-1)).toContain('stream_consumer_records_lag{')
    expect(again.length).toBe(40)
    for (const [cycle, page] of pages.entries()) expect(again[cycle], `cycle ${cycle + 1}`).toBe(page)
  })
})
