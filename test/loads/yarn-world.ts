import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DaemonRig, startDaemon } from '../rigs/daemon.ts'
import { type Recording, type RecordingOptions, recordingArguments, recordingIn } from '../rigs/flink-recording.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type PrometheusRig, startPrometheus } from '../rigs/prometheus.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { startYarn, type YarnOptions, type YarnRig } from '../rigs/yarn.ts'

const kafkaVersion = '3.9.1'

/** The name of the YARN cluster in the configurations of the daemons. */
export const yarnName = 'etl'

/** A target as Prometheus is told of it. */
export interface ListedTarget {
  readonly address: string
  readonly kind: string
  readonly instance: string
  readonly labels: Readonly<Record<string, string>>
}

export interface ConsumerRow {
  readonly consumer: string
  readonly topic: string
  readonly partition: number
  readonly position?: number
  readonly log_end_offset?: number
  readonly records_lag?: number
  readonly reason?: string
}

/** One daemon, by what it says over HTTP. */
export interface DaemonView {
  readonly rig: DaemonRig
  /** Processes of Flink; none while the list cannot be the truth yet. */
  targets(): Promise<readonly ListedTarget[]>
  /** In the order of partitions. */
  rows(consumer: string): Promise<readonly ConsumerRow[]>
  page(): Promise<string>
  /** `/api/v1/explain` of one partition. */
  explained(consumer: string, topic: string, partition: number): Promise<unknown>
}

/** Real YARN, real Kafka, and two daemons that look at both, one of them under a real Prometheus. */
export interface YarnWorld extends AsyncDisposable {
  readonly yarn: YarnRig
  readonly kafka: KafkaRig
  readonly client: RigClient
  /** With the intervals that users have who set none. */
  readonly usual: DaemonView
  /** With intervals of two seconds, for numbers that are to be compared often. */
  readonly quick: DaemonView
  /** Asks `usual` for targets, and scrapes these, every five seconds. */
  readonly prometheus: PrometheusRig
  /** Arguments of a recording job, and what it writes down; `jobId` of what is returned means nothing. */
  recording(
    options: Omit<RecordingOptions, 'bootstrap'>,
  ): Promise<{ readonly args: readonly string[]; readonly recording: Recording }>
}

export async function startYarnWorld(options: YarnOptions): Promise<YarnWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'lagkeeper-yarn-world-'))
  const started: { stop(): Promise<void> }[] = []
  const stop = async () => {
    for (const one of started.toReversed()) await one.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const keep = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const one = await starting
    started.push(one)
    return one
  }
  const daemon = async (name: string, intervals: Intervals) => {
    const config = configuration(join(folder, name), kafka.bootstrap, yarn.resourceManagers, intervals)
    const rig = await startDaemon({ folder, name, config })
    started.push(rig.process)
    return viewOf(rig)
  }
  const both = await Promise.allSettled([keep(startYarn(options)), keep(startKafka({ version: kafkaVersion }))])
  const [yarn, kafka] = await settled(both, stop)
  try {
    const client = await keep(startRigClient({ version: kafkaVersion, bootstrap: kafka.bootstrap }))
    const usual = await daemon('usual', {})
    const quick = await daemon('quick', { all: '2s', yarn: '2s' })
    const prometheus = await keep(startPrometheus({ config: scrapeEverything(usual.rig.url) }))
    return {
      yarn,
      kafka,
      client,
      usual,
      quick,
      prometheus,
      recording: async (of) => {
        const records = join(folder, `recording-${of.name ?? 'recording'}`)
        await mkdir(records)
        const args = recordingArguments(records, { ...of, bootstrap: kafka.bootstrap })
        return { args, recording: recordingIn(records, '', 'source') }
      },
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Intervals {
  readonly all?: string
  readonly yarn?: string
}

function configuration(data: string, bootstrap: string, resourceManagers: readonly string[], intervals: Intervals) {
  const { all, yarn } = intervals
  const config = {
    storage: { path: data },
    ...(all !== undefined && { interval: all }),
    kafka: [{ name: 'main', bootstrap: [bootstrap] }],
    yarn: [{ name: yarnName, resource_managers: resourceManagers, ...(yarn !== undefined && { interval: yarn }) }],
  }
  const lines = Object.entries(config).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  return lines.join('\n')
}

function scrapeEverything(daemon: string): string {
  return [
    'global: { scrape_interval: 5s, scrape_timeout: 5s }',
    'scrape_configs:',
    '  - job_name: found',
    `    http_sd_configs: [{ url: '${daemon}/sd/v1/targets', refresh_interval: 5s }]`,
    '    relabel_configs:',
    "      - { source_labels: [__meta_lagkeeper_instance], target_label: 'instance' }",
  ].join('\n')
}

function viewOf(rig: DaemonRig): DaemonView {
  const read = async (path: string): Promise<string> => {
    const answer = await fetch(`${rig.url}${path}`, { signal: AbortSignal.timeout(10_000) })
    return answer.status === 503 ? '' : answer.text()
  }
  return {
    rig,
    targets: async () => {
      const text = await read('/sd/v1/targets')
      const groups: readonly { targets: readonly string[]; labels: Readonly<Record<string, string>> }[] =
        text === '' ? [] : JSON.parse(text)
      return groups.flatMap(({ targets, labels }) =>
        targets.map((address) => ({
          address,
          labels,
          kind: labels['__meta_lagkeeper_kind'] ?? '',
          instance: labels['__meta_lagkeeper_instance'] ?? '',
        })),
      )
    },
    rows: async (consumer) => {
      const text = await read(`/api/v1/consumers?consumer=${encodeURIComponent(consumer)}`)
      const { rows }: { rows: readonly ConsumerRow[] } = text === '' ? { rows: [] } : JSON.parse(text)
      return rows.toSorted((a, b) => a.partition - b.partition)
    },
    page: () => read('/metrics'),
    explained: async (consumer, topic, partition) => {
      const query = new URLSearchParams({ consumer, topic, partition: String(partition) })
      return JSON.parse(await read(`/api/v1/explain?${query}`))
    },
  }
}

async function settled<A, B>(
  outcomes: readonly [PromiseSettledResult<A>, PromiseSettledResult<B>],
  stop: () => Promise<void>,
): Promise<readonly [A, B]> {
  const [one, other] = outcomes
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value]
  await stop()
  throw one.status === 'rejected' ? one.reason : other.status === 'rejected' ? other.reason : undefined
}
