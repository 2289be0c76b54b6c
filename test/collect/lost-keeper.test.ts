import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { createLostKeeper, type LostKeeper } from '../../src/collect/lost-keeper.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster as connect } from '../../src/kafka/cluster.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { Logger } from '../../src/runtime/logger.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'

const signal = new AbortController().signal
let folder: string
let file: string
let broker: Simulated
let offsetMs: number
let said: string[]
const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + offsetMs }
const note = (fields: Readonly<Record<string, unknown>>, message: string): void => {
  said.push(`${message}: ${String(fields['error'] ?? '')}`)
}
const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-lost-'))
  file = join(folder, 'data', 'records-lost.sim.jsonl')
  offsetMs = 0
  said = []
  broker = await simulate()
  broker.state.createTopic('t', 1)
  broker.state.setLog('t', 0, 0n, 1_000n)
  broker.state.commit('g', 't', 0, 20n)
})
afterEach(async () => {
  await broker[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** One life of a daemon: cycles until it is closed. */
async function life(at = file, kafkaCluster = 'sim') {
  const keeper: LostKeeper = createLostKeeper({ kafkaCluster, file: at, clock, logger })
  await keeper.load(signal)
  const cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 2_000, clock })
  const collector = createClusterCollector({
    kafkaCluster,
    cluster,
    sources: [createKafkaGroups({ cluster, clock, keepConsumer: () => true, keepTopic: () => true })],
    keepTopic: () => true,
    intervalMs: 15_000,
    noPosition: () => 'ignore',
    objectives: () => [],
    lost: keeper,
    clock,
    observer: silentObserver,
  })
  const cycle = async (): Promise<Snapshot> => {
    const snapshot = await collector.cycle(signal)
    keeper.saveSoon(snapshot)
    return snapshot
  }
  return {
    /** The records that g has lost after the log start has moved; two cycles, since a lone broker tells its starts in every second one. */
    lostAfter: async (start: bigint): Promise<number> => {
      broker.state.deleteRecords('t', 0, start)
      await cycle()
      return (await cycle()).lost?.get('g')?.get('t') ?? 0
    },
    end: async () => {
      cluster.close()
      await keeper.close()
    },
  }
}

describe('the count of lost records', () => {
  it('goes on in the next process, with what was lost in between', async () => {
    const first = await life()
    expect(await first.lostAfter(0n)).toBe(0)
    expect(await first.lostAfter(50n)).toBe(30)
    await first.end()

    const second = await life()
    expect(await second.lostAfter(70n)).toBe(50)
    await second.end()
    expect(said).toEqual([])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(join(folder, 'data'))).toEqual(['records-lost.sim.jsonl'])
  })

  it('is saved at most every two minutes, and survives the end of a process without a word', async () => {
    const first = await life()
    await first.lostAfter(50n)
    await expect(stat(file)).rejects.toThrow('ENOENT')

    offsetMs += 120_000
    await first.lostAfter(60n)
    await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toMatch(/\{"lines":3\}\n$/))
    const lines = await readFile(file, 'utf8')
    await first.lostAfter(61n)
    expect(await readFile(file, 'utf8')).toBe(lines)

    const second = await life()
    expect(await second.lostAfter(65n)).toBe(15)
    await second.end()
  })

  it.each([
    ['is empty', (path: string) => writeFile(path, ''), 'line 0: the file breaks off'],
    ['breaks off within a line', (path: string) => truncate(path, 140), 'line 2: not JSON'],
    ['is something else', (path: string) => writeFile(path, '\u0000\u0001\n'), 'line 1: not JSON'],
    ['is a list', (path: string) => writeFile(path, '[]\n'), 'line 1: not of this kind'],
  ])('begins anew, with a warning, when its file %s', async (_, damage, why) => {
    const first = await life()
    await first.lostAfter(50n)
    await first.lostAfter(60n)
    await first.end()
    await damage(file)

    const second = await life()
    expect(said).toEqual([`Count of lost records begins anew: ${why}`])
    expect(await second.lostAfter(70n)).toBe(0)
    expect(await second.lostAfter(75n)).toBe(5)
    await second.end()

    const third = await life()
    expect(await third.lostAfter(76n)).toBe(6)
    await third.end()
  })

  it('does not take the file of another cluster for its own', async () => {
    const first = await life()
    await first.lostAfter(50n)
    await first.end()

    const other = await life(file, 'other')
    expect(said).toEqual(['Count of lost records begins anew: line 1: of Kafka cluster "sim"'])
    await other.end()
  })

  it('goes on in memory when it cannot be saved, and says so once', async () => {
    await writeFile(join(folder, 'data'), 'in the way')
    const first = await life()
    said = []
    for (const start of [50n, 60n, 70n]) {
      offsetMs += 120_000
      await first.lostAfter(start)
    }
    expect(await first.lostAfter(80n)).toBe(30)
    await first.end()

    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(/^Count of lost records not saved: .*(EEXIST|ENOTDIR)/)
  })
})
