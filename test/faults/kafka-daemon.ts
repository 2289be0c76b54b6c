import { expect } from 'vitest'
import { startDaemon } from '../rigs/daemon.ts'
import { daemonArgs } from './build.ts'
import { type AllowedLag, watchLags } from './lag-oracle.ts'
import { sampleValue } from './page-sample.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { eventually } from './waiting.ts'

/** A built daemon that watches one real cluster, `real`, and an oracle over every lag that it prints. */
export interface KafkaDaemon extends AsyncDisposable {
  readonly url: string
  value(name: string, labels: Readonly<Record<string, string>>): Promise<string | undefined>
  /** Waits until the page has this lag; undefined: none. */
  hasLag(consumer: string, topic: string, lag: string | undefined, partition?: number): Promise<void>
  /** Waits until so many partitions of a consumer are in a state. */
  hasState(consumer: string, topic: string, state: string, count: string): Promise<void>
  total(consumer: string): Promise<string | undefined>
  /** Why the lag of a partition is missing or held, by the API. */
  reasonOf(consumer: string, topic: string, partition?: number): Promise<string | undefined>
  /** How often something of the cluster could not be read for this reason. */
  errors(reason: string): Promise<number>
  isUp(source?: 'kafka' | 'kafka-groups'): Promise<boolean>
  requests(api: string): Promise<number>
  log(): Promise<string>
  /** What could not be read in the last cycle, as `reason: message`. */
  problems(): Promise<readonly string[]>
  /** Fails when anything wrong was printed since the last call, or the daemon is gone. */
  judge(): Promise<void>
}

/** For so long a number may be printed after it was true, when nothing is held by design. */
const heldForMs = 5_000
const fewCyclesMs = 20_000

/**
 * @param options of the cluster besides its name, in YAML, such as `bootstrap: "…"`
 * @param allowed what every lag may be now, by `consumer/topic/partition`; the oracle looks at it all the time
 */
export async function startKafkaDaemon(
  options: readonly string[],
  allowed: ReadonlyMap<string, AllowedLag>,
): Promise<KafkaDaemon> {
  const folder = temporaryFolder('kafka-daemon')
  const { url, process } = await startDaemon({
    folder,
    program: await daemonArgs(),
    args: ['--log.format=json'],
    config: [
      `storage: { path: "${folder}/storage" }`,
      'interval: 1s',
      `kafka: [ { name: real, request_timeout: 2s, ${options.join(', ')} } ]`,
    ].join('\n'),
  })
  const openWatch = () => watchLags({ url: `${url}/metrics`, allowed: () => allowed, heldForMs })
  let watch = openWatch()
  const value: KafkaDaemon['value'] = (name, labels) => sampleValue(url, name, labels)
  const count = async (name: string, labels: Readonly<Record<string, string>>): Promise<number> =>
    Number((await value(name, labels)) ?? 0)

  const api = async (query: string): Promise<ApiAnswer> => {
    const answer = await fetch(`${url}/api/v1/consumers?kafka_cluster=real${query}`, {
      signal: AbortSignal.timeout(5_000),
    })
    const { rows, problems } = Object(await answer.json())
    return { rows, problems }
  }

  return {
    url,
    value,
    hasLag: async (consumer, topic, lag, partition = 0) => {
      const labels = { consumer, topic, partition: String(partition) }
      await eventually(`lag ${lag} of ${consumer} on ${topic}/${partition}`, fewCyclesMs, async () => {
        return (await value('stream_consumer_records_lag', labels)) === lag
      })
    },
    hasState: async (consumer, topic, state, wanted) => {
      await eventually(`${wanted} ${state} of ${consumer} on ${topic}`, fewCyclesMs, async () => {
        return (await value('stream_consumer_partitions', { consumer, topic, state })) === wanted
      })
    },
    total: (consumer) => value('stream_consumer_total_records_lag', { consumer }),
    reasonOf: async (consumer, topic, partition = 0) =>
      (await api(`&consumer=${consumer}`)).rows.find((row) => row.topic === topic && row.partition === partition)
        ?.reason,
    problems: async () => (await api('')).problems.map(({ reason, message }) => `${reason}: ${message}`),
    errors: (reason) => count('lagkeeper_source_errors_total', { source: 'kafka', name: 'real', reason }),
    isUp: async (source = 'kafka') => (await value('lagkeeper_source_up', { source, name: 'real' })) === '1',
    requests: (api) => count('lagkeeper_kafka_requests_total', { kafka_cluster: 'real', api }),
    log: () => process.log(),
    judge: async () => {
      const { scrapes, samples, wrong } = await watch.stop()
      watch = openWatch()
      expect(wrong).toEqual([])
      expect(scrapes).toBeGreaterThan(1)
      expect(samples).toBeGreaterThan(0)
      expect(process.pid).toBeDefined()
    },
    [Symbol.asyncDispose]: async () => {
      await watch.stop().catch(() => undefined)
      await process.stop()
    },
  }
}

interface ApiAnswer {
  readonly rows: readonly { readonly topic: string; readonly partition: number; readonly reason?: string }[]
  readonly problems: readonly { readonly reason: string; readonly message: string }[]
}
