import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DaemonRig, startDaemon } from '../rigs/daemon.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { kafkaTool } from '../rigs/kafka-tool.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { daemonArgs } from './build.ts'
import { type AllowedLag, type LagWatch, watchLags } from './lag-oracle.ts'
import { samplesOf, sampleValue } from './page-sample.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

const version = '3.9.2'
const fewCyclesMs = 15_000
const heldForMs = 5_000

let kafka: KafkaRig
let rig: RigClient
let daemon: DaemonRig
let folder: string
let watch: LagWatch
/** What every row may be now; the watch of each test judges the rows that earlier ones left too. */
const allowed = new Map<string, AllowedLag>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lagkeeper-kafka-faults-'))
  kafka = await startKafka({ version, properties: { 'log.cleaner.backoff.ms': '200' } })
  rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
  await topicWith('steady', 10)
  await commits('witness', 'steady', 6n, 4n)
  daemon = await startDaemon({
    folder,
    program: await daemonArgs(),
    args: ['--log.format=json'],
    config: [
      `storage: { path: "${join(folder, 'storage')}" }`,
      'interval: 1s',
      `kafka: [ { name: real, bootstrap: "${kafka.bootstrap}", request_timeout: 2s, views: { read_committed: true } } ]`,
    ].join('\n'),
  })
  await hasLag('witness', 'steady', '4')
})
afterAll(async () => {
  await daemon?.process.stop()
  await rig?.stop()
  await kafka?.stop()
  rmSync(folder, { recursive: true, force: true })
  await removeTemporaryFolders()
})

beforeEach(() => {
  watch = watchLags({ url: `${daemon.url}/metrics`, allowed: () => allowed, heldForMs })
})
afterEach(async () => {
  // The one that has nothing to do with the fault is there, and nothing was printed that was not so.
  await hasLag('witness', 'steady', '4')
  const { scrapes, samples, wrong } = await watch.stop()
  expect(wrong).toEqual([])
  expect(scrapes).toBeGreaterThan(1)
  expect(samples).toBeGreaterThan(scrapes)
  expect(daemon.process.pid).toBeDefined()
  expect(await find('lagkeeper_source_up', { name: 'real' })).toBe('1')
})

const page = () => samplesOf(daemon.url)
const find = (name: string, labels: Readonly<Record<string, string>>) => sampleValue(daemon.url, name, labels)

async function topicWith(name: string, records: number): Promise<void> {
  await rig.createTopics([{ name }])
  await rig.produce(name, 0, records)
}

/** Commits, and allows the lag that follows besides what was allowed before. */
async function commits(consumer: string, topic: string, offset: bigint, lag: bigint | 'none'): Promise<void> {
  const key = `${consumer === '' ? '(empty)' : consumer}/${topic}/0`
  const before = allowed.get(key)
  if (lag !== 'none') {
    const [least, most] = before === undefined || before === 'none' ? [lag, lag] : [before.least, before.most]
    allowed.set(key, { least: least < lag ? least : lag, most: most > lag ? most : lag })
  }
  await rig.commit(consumer, [{ topic, partition: 0, offset }])
  allowed.set(key, lag === 'none' ? 'none' : { least: lag, most: lag })
}

async function hasLag(consumer: string, topic: string, lag: string | undefined, partition = '0'): Promise<void> {
  await eventually(`lag ${lag} of ${consumer} on ${topic}/${partition}`, fewCyclesMs, async () => {
    return (await find('stream_consumer_records_lag', { consumer, topic, partition })) === lag
  })
}

async function hasState(consumer: string, topic: string, state: string, count: string): Promise<void> {
  await eventually(`${count} ${state} of ${consumer} on ${topic}`, fewCyclesMs, async () => {
    return (await find('stream_consumer_partitions', { consumer, topic, state })) === count
  })
}

/** Of the segments on the broker's disk. */
function bytesOf(topic: string): number {
  const log = join(kafka.dir, '1', 'data', `${topic}-0`)
  const segments = readdirSync(log).filter((name) => name.endsWith('.log'))
  return segments.reduce((sum, name) => sum + statSync(join(log, name)).size, 0)
}

async function endOf(topic: string): Promise<bigint | undefined> {
  return (await rig.oracle([])).ends.find((end) => end.topic === topic)?.end
}

describe(`one broker of Kafka ${version}`, () => {
  it('K06 a topic is deleted and its lag goes with it', async () => {
    await topicWith('doomed', 10)
    await commits('of-doomed', 'doomed', 3n, 7n)
    await hasLag('of-doomed', 'doomed', '7')

    allowed.set('of-doomed/doomed/0', 'none')
    await rig.deleteTopics(['doomed'])
    injected((await endOf('doomed')) === undefined, 'the topic is still there')

    await hasLag('of-doomed', 'doomed', undefined)
    // From here on the watch takes a row that comes back for a wrong one.
    await sleep(heldForMs)
    await hasLag('of-doomed', 'doomed', undefined)
  })

  it('K07 a topic is created anew with a smaller end, and the old position gives no lag', async () => {
    await topicWith('reborn', 50)
    await commits('of-reborn', 'reborn', 40n, 10n)
    await hasLag('of-reborn', 'reborn', '10')

    allowed.set('of-reborn/reborn/0', 'none')
    await rig.deleteTopics(['reborn'])
    await eventually('the topic to be gone', fewCyclesMs, async () => (await endOf('reborn')) === undefined)
    await topicWith('reborn', 8)
    injected((await endOf('reborn')) === 8n, 'the new topic does not end at 8')
    // The broker forgets the commit with the topic; a consumer that still runs commits its old position again.
    await commits('of-reborn', 'reborn', 40n, 'none')
    await hasState('of-reborn', 'reborn', 'topic_recreated', '1')
    await hasLag('of-reborn', 'reborn', undefined)
    // Also when it has moved meanwhile, and stands within the former life.
    await commits('of-reborn', 'reborn', 45n, 'none')
    await sleep(3_000)
    await hasState('of-reborn', 'reborn', 'topic_recreated', '1')

    await commits('of-reborn', 'reborn', 5n, 3n)
    await hasLag('of-reborn', 'reborn', '3')
    await hasState('of-reborn', 'reborn', 'known', '1')
  })

  it('K07 a position past the end of a topic that was never another one gives no lag either, and is told apart', async () => {
    await topicWith('short', 10)
    await commits('of-short', 'short', 4n, 6n)
    await hasLag('of-short', 'short', '6')

    await commits('of-short', 'short', 25n, 'none')
    injected((await endOf('short')) === 10n, 'the topic does not end at 10')
    await hasState('of-short', 'short', 'position_beyond_end', '1')
    await hasLag('of-short', 'short', undefined)

    // As soon as the log has grown past it.
    allowed.set('of-short/short/0', { least: 0n, most: 5n })
    await rig.produce('short', 0, 20)
    allowed.set('of-short/short/0', { least: 5n, most: 5n })
    await hasLag('of-short', 'short', '5')
    await hasState('of-short', 'short', 'known', '1')
  })

  it('K08 partitions are added, and without a position they have no lag', async () => {
    await topicWith('growing', 10)
    await commits('of-growing', 'growing', 8n, 2n)
    await hasLag('of-growing', 'growing', '2')

    const alter = ['--bootstrap-server', kafka.bootstrap, '--alter', '--topic', 'growing', '--partitions', '3']
    await kafkaTool(version, 'topics', alter)
    const { ends } = await rig.oracle([])
    injected(ends.filter(({ topic }) => topic === 'growing').length === 3, 'the topic has no three partitions')
    await rig.produce('growing', 1, 5)
    allowed.set('of-growing/growing/1', 'none')
    // The other one is empty: wherever its consumer will start, nothing is left to read.
    allowed.set('of-growing/growing/2', { least: 0n, most: 0n })
    const member = await rig.hold({ protocol: 'classic', group: 'of-growing', topic: 'growing' })
    await hasState('of-growing', 'growing', 'no_position', '1')
    await hasLag('of-growing', 'growing', '2')
    await hasLag('of-growing', 'growing', undefined, '1')
    await member.release()

    allowed.set('of-growing/growing/1', { least: 1n, most: 1n })
    await rig.commit('of-growing', [{ topic: 'growing', partition: 1, offset: 4n }])
    await hasLag('of-growing', 'growing', '1', '1')
  })

  it('K09 a member that has never committed has no lag', async () => {
    await topicWith('unread', 5)
    allowed.set('of-unread/unread/0', 'none')
    const member = await rig.hold({ protocol: 'classic', group: 'of-unread', topic: 'unread' })
    injected((await rig.oracle(['of-unread'])).committed.length === 0, 'something was committed')
    await hasState('of-unread', 'unread', 'no_position', '1')
    await hasLag('of-unread', 'unread', undefined)
    await member.release()

    await commits('of-unread', 'unread', 5n, 0n)
    await hasLag('of-unread', 'unread', '0')
  })

  it('K11 records leave the log before they are read: the lag is end - start, and the rest is counted as lost', async () => {
    await topicWith('trimmed', 100)
    await commits('of-trimmed', 'trimmed', 20n, 80n)
    await hasLag('of-trimmed', 'trimmed', '80')
    const lost = () => find('stream_consumer_records_lost_total', { consumer: 'of-trimmed', topic: 'trimmed' })
    expect(await lost()).toBe('0')

    allowed.set('of-trimmed/trimmed/0', { least: 40n, most: 80n })
    await rig.deleteRecords('trimmed', 0, 60n)
    allowed.set('of-trimmed/trimmed/0', { least: 40n, most: 40n })
    const log = (await rig.oracle([])).ends.find(({ topic }) => topic === 'trimmed')
    injected(log?.beginning === 60n, 'the log does not start at 60')
    await hasLag('of-trimmed', 'trimmed', '40')
    await eventually('40 lost', fewCyclesMs, async () => (await lost()) === '40')
  })

  it('K12 a log is compacted: its lag goes on to count offsets, holes included, and nothing of it is lost', async () => {
    const configs = {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.01',
      'segment.ms': '200',
      'min.compaction.lag.ms': '0',
    }
    await rig.createTopics([{ name: 'compacted', configs }])
    await rig.produceMany([{ topic: 'compacted', partition: 0, count: 500, keys: 5 }])
    await commits('of-compacted', 'compacted', 100n, 400n)
    await hasLag('of-compacted', 'compacted', '400')
    const before = bytesOf('compacted')

    allowed.set('of-compacted/compacted/0', { least: 400n, most: 401n })
    // Closes the segment, which can then be compacted.
    await rig.produceMany([{ topic: 'compacted', partition: 0, count: 1, keys: 5 }])
    allowed.set('of-compacted/compacted/0', { least: 401n, most: 401n })
    await hasLag('of-compacted', 'compacted', '401')
    await eventually('a log of which half is gone', 60_000, async () => bytesOf('compacted') < before / 2)
    await sleep(3_000)
    const log = (await rig.oracle([])).ends.find(({ topic }) => topic === 'compacted')
    injected(log?.beginning === 0n && log.end === 501n, 'the log does not go from 0 to 501')
    await hasLag('of-compacted', 'compacted', '401')
    await hasState('of-compacted', 'compacted', 'known', '1')
    expect(await find('stream_consumer_records_lost_total', { consumer: 'of-compacted', topic: 'compacted' })).toBe('0')

    // A consumer jumps over the holes, and its lag with it.
    await commits('of-compacted', 'compacted', 500n, 1n)
    await hasLag('of-compacted', 'compacted', '1')
  })

  it('K13 an open transaction holds back only the read-committed lag', async () => {
    await topicWith('tx', 10)
    await commits('of-tx', 'tx', 4n, 6n)
    await hasLag('of-tx', 'tx', '6')

    allowed.set('of-tx/tx/0', { least: 6n, most: 9n })
    const open = await rig.openTransaction('tx', 0, 3)
    const log = (await rig.oracle([])).ends.find(({ topic }) => topic === 'tx')
    injected(log?.stableEnd === 10n && log.end === 13n, 'no transaction is open')
    await hasLag('of-tx', 'tx', '9')
    const readCommitted = () => find('stream_consumer_read_committed_records_lag', { consumer: 'of-tx', topic: 'tx' })
    await eventually('6 for readers of committed records', fewCyclesMs, async () => (await readCommitted()) === '6')

    // Its end takes an offset that no consumer is ever given: a lag of 1 stays, and it is documented.
    allowed.set('of-tx/tx/0', { least: 9n, most: 10n })
    await open.end('commit')
    await hasLag('of-tx', 'tx', '10')
    await commits('of-tx', 'tx', 13n, 1n)
    await hasLag('of-tx', 'tx', '1')
  })

  it('K19 the group without a name is told apart by a reserved word', async () => {
    await topicWith('unnamed', 10)
    await commits('', 'unnamed', 7n, 3n)
    injected((await rig.oracle([''])).committed.length === 1, 'the group "" has no commit')
    await hasLag('(empty)', 'unnamed', '3')
    expect((await page()).filter(({ labels }) => labels['consumer'] === '')).toEqual([])
  })

  it('K22 times far in the future and the past leave the lag alone (there is no time lag yet)', async () => {
    await rig.createTopics([{ name: 'times' }])
    const future = Date.now() + 30 * 60_000
    for (const timestampMs of [future, 1, future])
      await rig.produceMany([{ topic: 'times', partition: 0, count: 5, timestampMs }])
    injected((await endOf('times')) === 15n, 'the records were refused')
    await commits('of-times', 'times', 7n, 8n)
    await hasLag('of-times', 'times', '8')
  })

  it('K23 a position goes back and the lag rises (rewinds are not counted yet)', async () => {
    await topicWith('rewound', 20)
    await commits('of-rewound', 'rewound', 18n, 2n)
    await hasLag('of-rewound', 'rewound', '2')

    await commits('of-rewound', 'rewound', 3n, 17n)
    const [position] = (await rig.oracle(['of-rewound'])).committed
    injected(position?.offset === 3n, 'the position has not gone back')
    await hasLag('of-rewound', 'rewound', '17')
  })
})
