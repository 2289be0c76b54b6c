import { availableParallelism, loadavg } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { emptyCatalog } from '../../src/model/catalog.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import type { PositionBatch } from '../../src/model/position-batch.ts'
import { reasonOf } from '../../src/model/reason.ts'
import type { PositionSource } from '../../src/positions/position-source.ts'
import { createZookeeperOffsets } from '../../src/positions/zookeeper-offsets.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { zookeeperOffsetsContract } from '../contract/zookeeper-offsets.ts'
import { type RunningClient, runClient } from '../contract/zookeeper-world.ts'
import { startZookeeper, type ZookeeperRig } from '../rigs/zookeeper.ts'

const signal = new AbortController().signal
const open: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function start(rig: ZookeeperRig): { readonly client: RunningClient; readonly source: PositionSource } {
  const client = runClient({ connect: rig.connect, sessionTimeoutMs: 3_000, allowsReadOnly: true })
  open.push(rig.stop, client.stop)
  const source = createZookeeperOffsets({
    zookeeper: client.zookeeper,
    connect: rig.connect,
    clock: systemClock,
    keepConsumer: () => true,
    keepTopic: () => true,
    deadlineMs: 6_000,
  })
  return { client, source }
}

function lastRow({ partition, value, reason }: PositionBatch): bigint | string | undefined {
  const row = partition.length - 1
  return reasonOf(reason[row]!) ?? offsetAt(value, row)
}

zookeeperOffsetsContract('0.8.2.2')

describe.each(['3.4.14', '3.9.5'])('10,000 offsets in ZooKeeper %s', (version) => {
  it('take less than a second on a machine that is free, and half a second of work on any', async () => {
    const { client, source } = start(await startZookeeper({ version }))
    const writer = client.zookeeper
    await writer.makeDirectories('/consumers')
    for (let group = 0; group < 100; group++) {
      const paths = [`/consumers/g${group}`, `/consumers/g${group}/ids`, `/consumers/g${group}/offsets`]
      for (let topic = 0; topic < 10; topic++) {
        const folder = `/consumers/g${group}/offsets/t${topic}`
        paths.push(folder, ...Array.from({ length: 10 }, (_, partition) => `${folder}/${partition}`))
      }
      await writer.multi(paths.map((path) => ({ type: 'create', path, data: Buffer.from('9007199254740993') })))
    }
    await source.collect(emptyCatalog, signal)

    const tookMs: number[] = []
    const workedMs: number[] = []
    for (let look = 0; look < 5; look++) {
      const since = performance.now()
      const before = process.cpuUsage()
      const { batches, problems } = await source.collect(emptyCatalog, signal)
      tookMs.push(Math.round(performance.now() - since))
      const { user, system } = process.cpuUsage(before)
      workedMs.push(Math.round((user + system) / 1_000))
      expect(problems).toEqual([])
      expect(batches.map(({ partition }) => partition.length)).toEqual([10_000])
      expect(batches.map(lastRow)).toEqual([9_007_199_254_740_993n])
    }
    console.info(`${version}: 10,000 offsets in ${tookMs.join(', ')} ms, work ${workedMs.join(', ')} ms`)

    expect(Math.min(...workedMs)).toBeLessThan(500)
    const isFree = loadavg()[0]! < availableParallelism()
    expect(isFree ? Math.min(...tookMs) : 0).toBeLessThan(1_000)
  })
})

it('shows no position of a ZooKeeper that is cut off from its ensemble, and all again afterwards', async () => {
  const rig = await startZookeeper({
    version: '3.9.5',
    servers: 3,
    readOnlyMode: true,
    // A read-only server makes no other sessions than local ones.
    properties: { localSessionsEnabled: 'true', localSessionsUpgradingEnabled: 'true' },
  })
  const { client, source } = start(rig)
  const path = '/consumers/g/offsets/t'
  await client.zookeeper.makeDirectories(path)
  await client.zookeeper.create(`${path}/0`, Buffer.from('7'))
  const look = async () => (await source.collect(emptyCatalog, signal)).batches.map(lastRow)
  expect(await look()).toEqual([7n])

  await Promise.all(rig.servers.slice(0, 2).map((server) => server.kill()))
  await expect.poll(look, { timeout: 40_000, interval: 500 }).toEqual(['stale'])
  await Promise.all(rig.servers.slice(0, 2).map((server) => server.restart()))

  await expect.poll(look, { timeout: 40_000, interval: 500 }).toEqual([7n])
})
