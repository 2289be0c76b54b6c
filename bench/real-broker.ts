import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { daemonMain } from '../test/rigs/daemon.ts'
import { startKafka } from '../test/rigs/kafka.ts'
import { freePorts } from '../test/rigs/ports.ts'
import { type GroupPosition, startRigClient } from '../test/rigs/rig-client.ts'
import { report } from './report.ts'

const TOPICS = 1_000
const PARTITIONS = 6
const GROUPS = 1_000
const PER_GROUP = 50
const VERSION = '3.9.2'
/** The best of six exporters measured on this load, each in a run of its own. */
const BEST_PEER = { requests: 9, rssMiB: 236, startMs: 1_900 }

/**
 * One real broker with 1,000 topics, 6,000 partitions, 1,000 groups and 50,000 group partitions; the built daemon as a
 * process of its own. Right means: equal to what the load committed and what the Java clients say of the log ends.
 */
export async function run(): Promise<boolean> {
  await using kafka = await startKafka({ version: VERSION, heap: '1536m' })
  await using rig = await startRigClient({ version: VERSION, bootstrap: kafka.bootstrap })
  const names = Array.from({ length: TOPICS }, (_, index) => `topic-${String(index).padStart(4, '0')}`)
  for (let from = 0; from < TOPICS; from += 200)
    await rig.createTopics(names.slice(from, from + 200).map((name) => ({ name, partitions: PARTITIONS })))
  await rig.produceMany(
    names.flatMap((topic, index) =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({
        topic,
        partition,
        count: 5 + ((index * 7 + partition) % 20),
      })),
    ),
  )
  const committed: GroupPosition[] = []
  for (let group = 0; group < GROUPS; group++)
    for (let index = 0; index < PER_GROUP; index++) {
      const nth = (group * PER_GROUP + index) % (TOPICS * PARTITIONS)
      const topic = Math.floor(nth / PARTITIONS)
      const partition = nth % PARTITIONS
      const offset = (group + index) % (5 + ((topic * 7 + partition) % 20))
      committed.push({
        group: `group-${String(group).padStart(4, '0')}`,
        topic: names[topic] ?? '',
        partition,
        offset: BigInt(offset),
      })
    }
  await rig.commitMany(committed)
  const { ends } = await rig.oracle([])
  const endOf = new Map(ends.map((end) => [`${end.topic}/${end.partition}`, end.end]))

  const [port = 0] = await freePorts(1)
  const storage = mkdtempSync(join(tmpdir(), 'lagkeeper-bench-'))
  const startedAt = performance.now()
  const daemon = spawn(
    process.execPath,
    [
      '--max-semi-space-size=8',
      daemonMain,
      `--web.listen-address=127.0.0.1:${port}`,
      `--kafka.bootstrap=${kafka.bootstrap}`,
      '--interval=5s',
      '--log.level=error',
    ],
    { cwd: storage, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  try {
    const url = `http://127.0.0.1:${port}`
    const page = await completePage(url, committed.length)
    const startMs = performance.now() - startedAt
    const wrong = committed.filter(({ group, topic, partition, offset }) => {
      const key = `${group}\n${topic}\n${partition}`
      return page.get(key) !== String((endOf.get(`${topic}/${partition}`) ?? -1n) - offset)
    })
    await sleep(6_000)
    const before = await requests(url)
    await sleep(20_000)
    const after = await requests(url)
    const scrapes = [await scrapeMs(url), await scrapeMs(url), await scrapeMs(url)].sort((a, b) => a - b)
    const rssMiB = peakRssMiB(daemon.pid ?? 0)
    if (wrong.length > 0)
      process.stdout.write(
        `WRONG: ${JSON.stringify(wrong.slice(0, 3), (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`,
      )
    const isRight = wrong.length === 0 && page.size === committed.length
    return (
      report(
        `One real ${VERSION} broker: 1,000 topics, 6,000 partitions, 1,000 groups, ${committed.length} group partitions`,
        [
          { what: 'group partitions that are not right', measured: wrong.length, unit: '', limit: 0.5 },
          {
            what: 'requests a cycle, mean of 4 cycles',
            measured: (after - before) / 4,
            unit: '',
            limit: 5,
            peer: { name: 'best peer', measured: BEST_PEER.requests },
          },
          { what: 'peak RSS of the daemon', measured: rssMiB, unit: 'MiB', limit: BEST_PEER.rssMiB },
          {
            what: 'start of the process to the complete page',
            measured: startMs,
            unit: 'ms',
            limit: 2_000,
            peer: { name: 'best peer', measured: BEST_PEER.startMs },
          },
          { what: 'a scrape, gzip, median of 3', measured: scrapes[1] ?? 0, unit: 'ms' },
        ],
      ) && isRight
    )
  } finally {
    daemon.kill('SIGTERM')
    await once(daemon, 'exit')
    rmSync(storage, { recursive: true, force: true })
  }
}

/** Polls until the page has `expected` lags; returns them by consumer, topic and partition. */
async function completePage(url: string, expected: number): Promise<ReadonlyMap<string, string>> {
  for (const givenUpAt = performance.now() + 60_000; performance.now() < givenUpAt; await sleep(20)) {
    const answer = await fetch(`${url}/metrics`).catch(() => undefined)
    if (answer === undefined) continue
    const lags = new Map<string, string>()
    for (const [, consumer, topic, partition, value] of (await answer.text()).matchAll(
      /^stream_consumer_records_lag\{kafka_cluster="default",consumer="([^"]*)",topic="([^"]*)",partition="(\d+)"\} (\d+)$/gm,
    ))
      lags.set(`${consumer}\n${topic}\n${partition}`, value ?? '')
    if (lags.size >= expected) return lags
  }
  throw new Error(`no complete page of ${expected} lags within 60 s`)
}

async function requests(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics/self`)).text()
  const counts = [...text.matchAll(/^lagkeeper_kafka_requests_total\{[^}]*\} (\d+)$/gm)]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}

async function scrapeMs(url: string): Promise<number> {
  const from = performance.now()
  await (await fetch(`${url}/metrics`)).arrayBuffer()
  return performance.now() - from
}

function peakRssMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
