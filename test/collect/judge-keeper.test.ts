import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createJudgeKeeper } from '../../src/collect/judge-keeper.ts'
import { join } from '../../src/lag/join.ts'
import { judgementAt } from '../../src/model/judgements.ts'
import type { Logger } from '../../src/runtime/logger.ts'
import { fakeClock } from '../fakes/clock.ts'
import { fakeBatch, fakeLogs, fakeSnapshot } from '../fakes/columns.ts'

const signal = new AbortController().signal
let folder: string
let file: string
let said: string[]
const note = (fields: Readonly<Record<string, unknown>>, message: string): void => {
  said.push(`${message}: ${String(fields['error'] ?? '')}`)
}
const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger }

beforeEach(async () => {
  folder = await mkdtemp(pathOf(tmpdir(), 'lagkeeper-judge-'))
  file = pathOf(folder, 'history.main.jsonl')
  said = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** One life of a daemon, whose monotonic clock begins anew. */
async function life(startedAt: number, clusterId = 'one') {
  const clock = fakeClock(1_700_000_000_000 + startedAt)
  const keeper = createJudgeKeeper({
    kafkaCluster: 'main',
    windowMs: 600_000,
    intervalMs: 15_000,
    file,
    clock,
    logger,
  })
  await keeper.load(signal)
  return {
    close: () => keeper.close(),
    /** A cycle in which the consumer stands at 50. */
    cycle: async (end: bigint) => {
      await clock.advance(15_000)
      const now = clock.monotonic()
      const logs = fakeLogs([{ name: 't', start: [0n], end: [end] }], now - 2)
      const catalog = { ...logs.catalog, clusterId }
      const input = { ...logs, catalog, recreated: new Uint8Array(1), noPosition: () => 'ignore' as const }
      const batch = fakeBatch({ c: { t: { 0: 50n } } }, now - 5)
      const parts = await keeper.judge({
        ...input,
        parts: [join(batch, { ...input, previous: undefined, holdSince: 0 })],
        objectives: () => [],
      })
      keeper.saveSoon(fakeSnapshot({ ...logs, catalog }, parts, now))
      const judgements = parts[0]?.judgements
      return judgements && judgementAt(judgements, 0)
    },
  }
}

describe('the keeper of a judge', () => {
  it('goes on in the next process with what it has seen', async () => {
    const first = await life(0)
    await first.cycle(40n)
    await first.cycle(60n)
    expect((await first.cycle(80n))?.timeLag?.seconds).toBeGreaterThan(15)
    await first.close()

    const second = await life(600_000)
    const { timeLag } = (await second.cycle(100n))!
    expect(timeLag?.source).toBe('log_ends')
    expect(timeLag?.seconds).toBeGreaterThan(580)
    expect(timeLag?.seconds).toBeLessThan(600)
    expect(said).toEqual([])
  })

  it.each([
    ['is damaged', (text: string) => text.replace('"ends":"', '"ends":"AAAA'), 'line 2: topic "t": '],
    ['breaks off', (text: string) => text.slice(0, -20), 'line 3: not JSON'],
    ['is of another kind', () => '{"lagkeeper":"records lost","version":1}\n', 'line 1: not of this kind'],
    ['is empty', () => '', 'line 0: the file breaks off'],
  ])('begins anew, and says so, when the file %s', async (_, damage, error) => {
    const first = await life(0)
    await first.cycle(40n)
    await first.cycle(60n)
    await first.close()
    await writeFile(file, damage(await readFile(file, 'utf8')))

    const second = await life(600_000)
    expect((await second.cycle(100n))?.timeLag).toBeUndefined()
    expect(said.length).toBe(1)
    expect(said[0]).toContain('History of log ends begins anew')
    expect(said[0]).toContain(error)
  })

  it('begins anew with another Kafka cluster of the same name', async () => {
    const first = await life(0)
    await first.cycle(40n)
    await first.cycle(60n)
    await first.close()

    const second = await life(600_000, 'two')
    expect((await second.cycle(100n))?.timeLag).toBeUndefined()
    expect(said).toEqual(['History of log ends begins anew: another cluster: '])
  })
})
