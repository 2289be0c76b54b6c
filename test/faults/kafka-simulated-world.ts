import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { parsePage, type Sample } from '../../bench/conformance/page.ts'
import { createKafkaCluster, type KafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { startDaemon } from '../rigs/daemon.ts'
import { daemonArgs } from './build.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { eventually } from './waiting.ts'

/** A built daemon that watches the clusters `main`, which the faults are for, and `other`, which they must not reach. */
export interface SimulatedWorld extends AsyncDisposable {
  readonly main: KafkaCluster
  readonly other: KafkaCluster
  readonly url: string
  readonly pid: () => number | undefined
  page(): Promise<readonly Sample[]>
  /** What is printed, as it is written; undefined when it is not. */
  value(name: string, labels: Readonly<Record<string, string>>): Promise<string | undefined>
  /** What the page says of one partition of `main`. */
  lag(consumer: string, topic: string, partition?: number): Promise<string | undefined>
  /** Sum of what could not be read of a cluster. */
  errors(cluster: string): Promise<number>
  /** Text of `/api/v1/consumers` for one consumer of `main`. */
  api(consumer: string): Promise<string>
  /** The end of `other` moves, and its lag follows within `ms`: its cycles go on. */
  otherFollows(ms?: number): Promise<void>
  rssMb(): Promise<number>
  log(): Promise<string>
}

export async function openSimulatedWorld(): Promise<SimulatedWorld> {
  const main = await createKafkaCluster({ brokers: 2 })
  const other = await createKafkaCluster()
  other.state.createTopic('quiet', 1)
  other.state.append('quiet', 0, 100)
  other.state.commit('watcher', 'quiet', 0, 50n)
  const folder = temporaryFolder('simulated')
  const cluster = (name: string, bootstrap: readonly string[]): string =>
    `  - { name: ${name}, bootstrap: ${JSON.stringify(bootstrap)}, request_timeout: 1s }`
  const daemon = await startDaemon({
    folder,
    program: await daemonArgs(),
    config: [
      `storage: { path: "${folder}/data" }`,
      'interval: 1s',
      'kafka:',
      cluster('main', main.bootstrap),
      cluster('other', other.bootstrap),
    ].join('\n'),
  })
  const text = async (path: string): Promise<string> =>
    (await fetch(daemon.url + path, { signal: AbortSignal.timeout(20_000) })).text()
  const page = async (): Promise<readonly Sample[]> => parsePage(await text('/metrics'))
  const value: SimulatedWorld['value'] = async (name, labels) =>
    (await page()).find(
      (one) => one.name === name && Object.entries(labels).every(([key, wanted]) => one.labels[key] === wanted),
    )?.value

  return {
    main,
    other,
    url: daemon.url,
    pid: () => daemon.process.pid,
    page,
    value,
    lag: (consumer, topic, partition = 0) =>
      value('stream_consumer_records_lag', {
        kafka_cluster: 'main',
        consumer,
        topic,
        partition: String(partition),
      }),
    errors: async (name) =>
      (await page())
        .filter((one) => one.name === 'lagkeeper_source_errors_total' && one.labels['name'] === name)
        .reduce((sum, one) => sum + Number(one.value), 0),
    api: (consumer) => text(`/api/v1/consumers?kafka_cluster=main&consumer=${consumer}`),
    otherFollows: async (ms = 5_000) => {
      other.state.append('quiet', 0, 7)
      const end = other.state.topics.get('quiet')?.end[0] ?? 0
      const wanted = String(end - 50)
      const labels = { kafka_cluster: 'other', consumer: 'watcher', topic: 'quiet', partition: '0' }
      await eventually(
        `a lag of ${wanted} in the other cluster`,
        ms,
        async () => (await value('stream_consumer_records_lag', labels)) === wanted,
      )
    },
    rssMb: async () => {
      const status = await readFile(`/proc/${daemon.process.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024
    },
    log: () => daemon.process.log(),
    [Symbol.asyncDispose]: async () => {
      await daemon.process.stop()
      await main[Symbol.asyncDispose]()
      await other[Symbol.asyncDispose]()
    },
  }
}

/** Looks all the time for `ms` and gives each look's answer; nothing may be wrong at any moment. */
export async function lookFor<T>(ms: number, look: () => Promise<T>): Promise<readonly T[]> {
  const looks: T[] = []
  const until = performance.now() + ms
  while (performance.now() < until) {
    looks.push(await look())
    await sleep(200)
  }
  expect(looks.length).toBeGreaterThan(1)
  return looks
}
