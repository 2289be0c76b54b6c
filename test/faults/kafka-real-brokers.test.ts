import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DaemonRig, startDaemon } from '../rigs/daemon.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { kafkaTool } from '../rigs/kafka-tool.ts'
import type { RigProcess } from '../rigs/process.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { daemonArgs } from './build.ts'
import { type AllowedLag, watchLags } from './lag-oracle.ts'
import { sampleValue } from './page-sample.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

const version = '3.9.2'
const partitions = [0, 1, 2]
/** A coordinator that is gone is replaced after 9 s; until then its rows are held. */
const patienceMs = 40_000
/** For so long a row is shown after it could be read last. */
const holdMs = 90_000

let kafka: KafkaRig
let rig: RigClient
let daemon: DaemonRig
let folder: string
let ends = [10n, 10n, 10n]
const allowed = new Map<string, AllowedLag>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lagkeeper-broker-faults-'))
  kafka = await startKafka({ version, brokers: 3 })
  rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
  await rig.createTopics([{ name: 'spread', partitions: 3 }])
  await rig.produceMany(partitions.map((partition) => ({ topic: 'spread', partition, count: 10 })))
  await rig.commit(
    'reader',
    partitions.map((partition) => ({ topic: 'spread', partition, offset: 4n })),
  )
  daemon = await startDaemon({
    folder,
    program: await daemonArgs(),
    args: ['--log.format=json'],
    config: [
      `storage: { path: "${join(folder, 'storage')}" }`,
      'interval: 1s',
      `kafka: [ { name: real, bootstrap: "${kafka.bootstrap}", request_timeout: 1s } ]`,
    ].join('\n'),
  })
  for (const partition of partitions) allowed.set(`reader/spread/${partition}`, { least: 6n, most: 6n })
  await hasLags(partitions)
})
afterAll(async () => {
  await daemon?.process.stop()
  await rig?.stop()
  await kafka?.stop()
  rmSync(folder, { recursive: true, force: true })
  await removeTemporaryFolders()
})

const find = (name: string, labels: Readonly<Record<string, string>>) => sampleValue(daemon.url, name, labels)

async function hasLags(of: readonly number[]): Promise<void> {
  for (const partition of of)
    await eventually(`the lag of partition ${partition}`, patienceMs, async () => {
      const labels = { consumer: 'reader', topic: 'spread', partition: String(partition) }
      return (await find('stream_consumer_records_lag', labels)) === String((ends[partition] ?? 0n) - 4n)
    })
}

/** The partition that broker `index` (from 0) leads; each has one replica, so nobody can take it over. */
async function ledBy(index: number): Promise<number> {
  const args = ['--bootstrap-server', kafka.bootstrap, '--describe', '--topic', 'spread']
  const text = await kafkaTool(version, 'topics', args)
  const found = [...text.matchAll(/Partition: (\d+)\s+Leader: (\d+)/g)].find(
    ([, , leader]) => Number(leader) === index + 1,
  )
  return found === undefined ? expect.fail(`broker ${index + 1} leads nothing of\n${text}`) : Number(found[1])
}

interface Row {
  readonly topic: string
  readonly partition: number
  readonly reason?: string
}

/** Why the lag of a partition is missing or held; undefined when it is neither. */
async function reasonOf(partition: number): Promise<string | undefined> {
  const url = `${daemon.url}/api/v1/consumers?kafka_cluster=real&consumer=reader`
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  const rows: readonly Row[] = Object(await answer.json()).rows
  return rows.find((row) => row.topic === 'spread' && row.partition === partition)?.reason
}

async function errors(reason: string): Promise<number> {
  return Number((await find('lagkeeper_source_errors_total', { source: 'kafka', name: 'real', reason })) ?? 0)
}

/** Looks ten times a second why the lag of a partition is missing, until it is stopped. */
function watchReasons(partition: number): { stop(): Promise<readonly string[]> } {
  const ending = new AbortController()
  const seen = new Set<string>()
  const watching = (async () => {
    while (!ending.signal.aborted) {
      const reason = await reasonOf(partition).catch(() => undefined)
      if (reason !== undefined) seen.add(reason)
      await sleep(100)
    }
  })()
  return {
    stop: async () => {
      ending.abort()
      await watching
      return [...seen]
    },
  }
}

interface Break {
  /** Settles when the harm was done; false when it was not. */
  readonly breaks: (broker: RigProcess) => Promise<boolean>
  readonly heals: (broker: RigProcess) => Promise<void>
  /** Why its rows are missing until the cluster has given it up. */
  readonly first: string
  /** Whether to wait until they are held no longer. */
  readonly isLong: boolean
}

/** Breaks broker `index`, lets the others go on, and heals it: nothing wrong is printed at any moment. */
async function expectFreshBeside(index: number, { breaks, heals, first, isLong }: Break): Promise<void> {
  const broker = kafka.brokers[index] ?? expect.fail('no such broker')
  const lost = await ledBy(index)
  const others = partitions.filter((partition) => partition !== lost)
  const watch = watchLags({ url: `${daemon.url}/metrics`, allowed: () => allowed, heldForMs: 5_000 })
  const reasons = watchReasons(lost)
  const before = { [first]: await errors(first), end_unknown: await errors('end_unknown') }
  injected(await breaks(broker), 'the broker still answers')
  try {
    // Its rows are held, or missing with a reason; both are told, and neither is "known".
    await eventually('two known partitions', patienceMs, async () => {
      const labels = { consumer: 'reader', topic: 'spread', state: 'known' }
      return (await find('stream_consumer_partitions', labels)) === '2'
    })
    for (const partition of others) {
      const lag = (ends[partition] ?? 0n) - 4n
      allowed.set(`reader/spread/${partition}`, { least: lag, most: lag + 10n })
    }
    await rig.produceMany(others.map((partition) => ({ topic: 'spread', partition, count: 10 })))
    ends = ends.map((end, partition) => (partition === lost ? end : end + 10n))
    for (const partition of others) {
      const lag = (ends[partition] ?? 0n) - 4n
      allowed.set(`reader/spread/${partition}`, { least: lag, most: lag })
    }
    await hasLags(others)
    expect(await find('lagkeeper_source_up', { name: 'real' })).toBe('1')
    await eventually('a partition without a leader', patienceMs, async () => (await reasonOf(lost)) === 'end_unknown')
    if (isLong) {
      const ofLost = { consumer: 'reader', topic: 'spread', partition: String(lost) }
      const state = { consumer: 'reader', topic: 'spread', state: 'end_unknown' }
      await eventually('the lag that was held to go', holdMs + 10_000, async () => {
        return (await find('stream_consumer_records_lag', ofLost)) === undefined
      })
      expect(await find('stream_consumer_partitions', state)).toBe('1')
      expect(await find('stream_consumer_total_records_lag', { consumer: 'reader' })).toBeUndefined()
      await hasLags(others)
    }
  } finally {
    await heals(broker)
  }
  await eventually('three known partitions', patienceMs, async () => {
    const labels = { consumer: 'reader', topic: 'spread', state: 'known' }
    return (await find('stream_consumer_partitions', labels)) === '3'
  })
  await hasLags(partitions)
  // A group that is being moved to another coordinator is another thing that may be so meanwhile.
  const passing = ['read_failed', 'timeout', 'coordinator_loading']
  const seen = await reasons.stop()
  expect(seen).toEqual(expect.arrayContaining([first, 'end_unknown']))
  expect(seen.filter((reason) => reason !== 'end_unknown' && !passing.includes(reason))).toEqual([])
  for (const [reason, count] of Object.entries(before)) expect(await errors(reason), reason).toBeGreaterThan(count)
  expect(await reasonOf(lost)).toBeUndefined()
  const { samples, wrong } = await watch.stop()
  expect(wrong).toEqual([])
  expect(samples).toBeGreaterThan(0)
  expect(daemon.process.pid).toBeDefined()
}

describe(`three brokers of Kafka ${version}`, () => {
  it('K01 a broker is killed: its rows are not called known, those of the others go on, and all is right when it is back', async () => {
    const kill = async (broker: RigProcess) => {
      await broker.kill()
      return broker.pid === undefined
    }
    await expectFreshBeside(1, {
      breaks: kill,
      heals: (broker) => broker.restart(),
      first: 'read_failed',
      isLong: true,
    })
  })

  it('K02 a broker is frozen: it holds up nobody else', async () => {
    const freeze = async (broker: RigProcess) => {
      broker.pause()
      return eventually('the broker to stand still', 5_000, async () =>
        / T /.test(readFileSync(`/proc/${broker.pid}/stat`, 'utf8')),
      )
    }
    await expectFreshBeside(2, {
      breaks: freeze,
      heals: async (broker) => broker.resume(),
      first: 'timeout',
      isLong: false,
    })
  })
})
