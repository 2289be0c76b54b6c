import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compareCommand } from '../../src/commands/compare.ts'
import { parseCompareArguments } from '../../src/commands/compare-arguments.ts'
import { compilePattern } from '../../src/config/pattern.ts'
import type { SeriesLimits } from '../../src/exposition/limits.ts'
import type { Clusters } from '../../src/http/clusters.ts'
import { consumersRoute } from '../../src/http/consumers.ts'
import { metricsRoutes } from '../../src/http/metrics.ts'
import { createPage, type PageRules } from '../../src/http/page.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { type RunningServer, startServer } from '../fakes/http-server.ts'
import { captureIo } from '../fakes/io.ts'
import { listenOnLoopback } from '../fakes/listen.ts'
import { type FakeRow, fakeSnapshot } from '../fakes/snapshot.ts'

const billing: Consumer = { name: 'billing', kind: 'classic', group: 'billing', state: 'Stable', members: 2 }
const empty: Consumer = { name: '(empty)', kind: 'classic', group: '', state: 'Empty', members: 0 }

const rows: readonly FakeRow[] = [
  { consumer: billing, topic: 'orders', partition: 0, position: 60n, start: 0n, end: 100n },
  { consumer: billing, topic: 'orders', partition: 1, position: 5n, start: 50n, end: 100n },
  { consumer: billing, topic: 'orders', partition: 2, start: 0n, end: 9n, reason: 'no_position' },
  { consumer: billing, topic: 'refunds', partition: 0, position: 90n, start: 0n, end: 4n, reason: 'topic_recreated' },
  { consumer: empty, topic: 'orders', partition: 0, position: 100n, start: 0n, end: 100n },
]

/** The parts of a daemon that the command reads, over real HTTP. */
async function daemonOf(snapshots: readonly Snapshot[], limits?: SeriesLimits): Promise<RunningServer> {
  const clusters: Clusters = {
    names: () => snapshots.map(({ kafkaCluster }) => kafkaCluster),
    snapshots: () => snapshots,
  }
  const selfMetrics = async (): Promise<string> => ''
  const rules: PageRules = { tables: ['lagkeeper'], limits }
  return await startServer([
    ...metricsRoutes({ clusters, selfMetrics, page: createPage({ selfMetrics, rules: () => rules }) }),
    consumersRoute({ clusters, compile: compilePattern }),
  ])
}

/** Another exporter, whose page is the next of those given at each request, the last one again and again. */
async function exporterOf(...pages: readonly string[]) {
  let next = 0
  const answer: RequestListener = (request, response) => {
    const text = pages[Math.min(next++, pages.length - 1)] ?? ''
    const isGzip = request.headers['accept-encoding'] === 'gzip'
    response.writeHead(200, isGzip ? { 'Content-Encoding': 'gzip' } : {})
    response.end(isGzip ? gzipSync(text) : text)
  }
  return await serverOf(answer)
}

async function serverOf(answer: RequestListener) {
  const { url, close } = await listenOnLoopback(createServer(answer))
  return { url: `${url}/metrics`, [Symbol.asyncDispose]: close }
}

/** What kafka_exporter shows of `rows`, made after its code: ends minus commits, -1 where there is no commit. */
const kafkaExporterPage = `# HELP go_goroutines Number of goroutines that currently exist.
# TYPE go_goroutines gauge
go_goroutines 36
# HELP kafka_brokers Number of Brokers in the Kafka Cluster.
# TYPE kafka_brokers gauge
kafka_brokers 1
# TYPE kafka_consumergroup_current_offset gauge
kafka_consumergroup_current_offset{consumergroup="",partition="0",topic="orders"} 100
kafka_consumergroup_current_offset{consumergroup="billing",partition="0",topic="orders"} 60
kafka_consumergroup_current_offset{consumergroup="billing",partition="0",topic="refunds"} 90
kafka_consumergroup_current_offset{consumergroup="billing",partition="1",topic="orders"} 5
kafka_consumergroup_current_offset{consumergroup="billing",partition="2",topic="orders"} -1
# TYPE kafka_consumergroup_current_offset_sum gauge
kafka_consumergroup_current_offset_sum{consumergroup="",topic="orders"} 100
kafka_consumergroup_current_offset_sum{consumergroup="billing",topic="orders"} 64
kafka_consumergroup_current_offset_sum{consumergroup="billing",topic="refunds"} 90
# TYPE kafka_consumergroup_lag gauge
kafka_consumergroup_lag{consumergroup="",partition="0",topic="orders"} 0
kafka_consumergroup_lag{consumergroup="billing",partition="0",topic="orders"} 40
kafka_consumergroup_lag{consumergroup="billing",partition="0",topic="refunds"} -86
kafka_consumergroup_lag{consumergroup="billing",partition="1",topic="orders"} 95
kafka_consumergroup_lag{consumergroup="billing",partition="2",topic="orders"} -1
# TYPE kafka_consumergroup_lag_sum gauge
kafka_consumergroup_lag_sum{consumergroup="",topic="orders"} 0
kafka_consumergroup_lag_sum{consumergroup="billing",topic="orders"} 135
kafka_consumergroup_lag_sum{consumergroup="billing",topic="refunds"} -86
# TYPE kafka_consumergroup_members gauge
kafka_consumergroup_members{consumergroup=""} 0
kafka_consumergroup_members{consumergroup="billing"} 2
# TYPE kafka_topic_partition_current_offset gauge
kafka_topic_partition_current_offset{partition="0",topic="orders"} 100
kafka_topic_partition_current_offset{partition="0",topic="refunds"} 4
kafka_topic_partition_current_offset{partition="1",topic="orders"} 100
kafka_topic_partition_current_offset{partition="2",topic="orders"} 9
# TYPE kafka_topic_partition_oldest_offset gauge
kafka_topic_partition_oldest_offset{partition="0",topic="orders"} 0
kafka_topic_partition_oldest_offset{partition="0",topic="refunds"} 0
kafka_topic_partition_oldest_offset{partition="1",topic="orders"} 50
kafka_topic_partition_oldest_offset{partition="2",topic="orders"} 0
`

describe('lagkeeper compare', () => {
  it('explains every difference of a page of kafka_exporter, as JSON lines in a pipe', async () => {
    await using daemon = await daemonOf([fakeSnapshot(rows)])
    await using exporter = await exporterOf(kafkaExporterPage)
    const { io, out, err } = captureIo()

    const code = await compareCommand([`--url=${exporter.url}`, `--daemon=${daemon.url}`], io)

    const lines = out().trim().split('\n')
    expect(
      lines
        .map((line) => JSON.parse(line))
        .map((one) => [one.difference, one.quantity, one.topic ?? one.consumer, one.partition, one.theirs, one.ours]),
    ).toEqual([
      ['renamed', 'consumer', '(empty)', undefined, undefined, undefined],
      ['their_no_commit', 'position', 'orders', 2, -1, undefined],
      ['their_no_commit', 'topic_position', 'orders', undefined, 64, 65],
      ['their_negative', 'records_lag', 'refunds', 0, -86, undefined],
      ['their_deleted_records', 'records_lag', 'orders', 1, 95, 50],
      ['their_no_commit', 'records_lag', 'orders', 2, -1, undefined],
      ['their_partitions', 'topic_records_lag', 'orders', undefined, 135, 90],
      ['their_partitions', 'topic_records_lag', 'refunds', undefined, -86, undefined],
    ])
    expect(lines[1]).toBe(
      '{"difference":"their_no_commit","kafka_cluster":"main","quantity":"position","series":"kafka_consumergroup_current_offset","consumer":"billing","topic":"orders","partition":2,"theirs":-1,"why":"it shows -1; here there is no series"}',
    )
    expect(err()).toBe(
      '27 compared: equal 19, their_no_commit 3, their_negative 1, their_deleted_records 1, their_partitions 2, renamed 1\n',
    )
    expect(code).toBe(0)
  })

  it.each<[string, string, readonly string[]]>([
    [
      'kafka-lag-exporter',
      [
        ...[
          ['orders', 0, '40.0'],
          ['orders', 1, '95.0'],
          ['orders', 2, 'NaN'],
          ['refunds', 0, '0.0'],
        ].map(
          ([topic, partition, value]) =>
            `kafka_consumergroup_group_lag{cluster_name="c",group="billing",topic="${topic}",partition="${partition}",member_host="/10.0.0.7",consumer_id="x-1",client_id="x",} ${value}`,
        ),
        'kafka_consumergroup_group_lag{cluster_name="c",group="",topic="orders",partition="0",member_host="unknown",consumer_id="unknown",client_id="unknown",} 0.0',
        'kafka_consumergroup_group_topic_sum_lag{cluster_name="c",group="billing",topic="orders",} NaN',
        'kafka_consumergroup_group_topic_sum_lag{cluster_name="c",group="billing",topic="refunds",} 0.0',
        'kafka_consumergroup_group_max_lag{cluster_name="c",group="billing",} NaN',
        'kafka_consumergroup_group_sum_lag{cluster_name="c",group="billing",} NaN',
        'kafka_consumergroup_group_lag_seconds{cluster_name="c",group="billing",topic="orders",partition="0",} 12.5',
        'kafka_consumergroup_poll_time_ms{cluster_name="c",} 31.0',
        'kafka_partition_latest_offset{cluster_name="c",topic="orders",partition="0",} 100.0',
        'kafka_partition_earliest_offset{cluster_name="c",topic="orders",partition="1",} 50.0',
      ].join('\n'),
      [
        'renamed consumer',
        'their_deleted_records records_lag 95 50',
        'their_no_commit records_lag NaN',
        'their_zero records_lag 0',
        'their_partitions topic_records_lag NaN 90',
        'their_partitions topic_records_lag 0',
        'their_partitions max_records_lag NaN',
        'their_partitions total_records_lag NaN',
      ],
    ],
    [
      'kminion',
      [
        ...[
          ['orders', 0, 40],
          ['orders', 1, 95],
          ['refunds', 0, 0],
        ].map(
          ([topic, partition, value]) =>
            `kminion_kafka_consumer_group_topic_partition_lag{group_id="billing",partition_id="${partition}",topic_name="${topic}"} ${value}`,
        ),
        'kminion_kafka_consumer_group_topic_partition_lag{group_id="",partition_id="0",topic_name="orders"} 0',
        'kminion_kafka_consumer_group_topic_lag{group_id="billing",topic_name="orders"} 135',
        'kminion_kafka_consumer_group_topic_lag{group_id="billing",topic_name="refunds"} 0',
        'kminion_kafka_consumer_group_topic_offset_sum{group_id="billing",topic_name="orders"} 65',
        'kminion_kafka_consumer_group_members{group_id="billing"} 2',
        'kminion_kafka_topic_partition_high_water_mark{partition_id="0",topic_name="orders"} 100',
        'kminion_kafka_topic_partition_low_water_mark{partition_id="1",topic_name="orders"} 50',
      ].join('\n'),
      [
        'renamed consumer',
        'their_deleted_records records_lag 95 50',
        'their_zero records_lag 0',
        'their_partitions topic_records_lag 135 90',
        'their_partitions topic_records_lag 0',
      ],
    ],
    [
      'Burrow',
      [
        ...[
          ['orders', 0, 40],
          ['orders', 1, 95],
          ['refunds', 0, 0],
        ].map(
          ([topic, partition, value]) =>
            `burrow_kafka_consumer_partition_lag{cluster="c",consumer_group="billing",partition="${partition}",topic="${topic}"} ${value}`,
        ),
        'burrow_kafka_consumer_lag_total{cluster="c",consumer_group="billing"} 135',
        'burrow_kafka_consumer_status{cluster="c",consumer_group="billing"} 1',
        'burrow_kafka_consumer_current_offset{cluster="c",consumer_group="billing",partition="0",topic="orders"} 60',
        'burrow_kafka_topic_partition_offset{cluster="c",partition="0",topic="orders"} 100',
      ].join('\n'),
      [
        'their_deleted_records records_lag 95 50',
        'their_zero records_lag 0',
        'their_partitions total_records_lag 135',
        'missing_there records_lag 0',
      ],
    ],
  ])('explains every difference of a page of %s', async (_, page, expected) => {
    await using daemon = await daemonOf([fakeSnapshot(rows)])
    await using exporter = await exporterOf(`${page}\n`)
    const { io, out } = captureIo()

    const code = await compareCommand([`--url=${exporter.url}`, `--daemon=${daemon.url}`, '--wait=0'], io)

    const found = out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(
      found.map(({ difference, quantity, theirs, ours }) =>
        [difference, quantity, theirs, ours].filter((one) => one !== undefined).join(' '),
      ),
    ).toEqual(expected)
    expect(code).toBe(0)
  })

  it('prints a table on a terminal, and exits with 1 when something is not explained', async () => {
    await using daemon = await daemonOf([fakeSnapshot(rows)])
    await using exporter = await exporterOf(
      'kafka_consumergroup_lag{consumergroup="billing",topic="orders",partition="0"} 41\n',
    )
    const { io, out } = captureIo({ isTTY: true })

    const code = await compareCommand(
      [`--url=${exporter.url}`, `--daemon=${daemon.url}`, '--wait=0', '--consumer=billing', '--topic=orders'],
      io,
    )

    expect(out()).toBe(
      [
        'DIFFERENCE   CONSUMER  TOPIC   PARTITION  WHAT         THEIRS  OURS  WHY',
        'unexplained  billing   orders          0  records_lag      41    40',
        'unexplained  billing   orders          1  records_lag       -    50  it shows the topic, but not this partition of the consumer',
        '',
      ].join('\n'),
    )
    expect(code).toBe(1)
  })

  it.each(['kafka_exporter', 'kafka_lag_exporter'])(
    'finds its own page with the names of %s equal to itself',
    async (names) => {
      await using daemon = await daemonOf([fakeSnapshot(rows)])
      const { io, out, err } = captureIo()

      const code = await compareCommand(
        [`--url=${daemon.url}/metrics?names=${names}`, `--daemon=${daemon.url}`, '--wait=0'],
        io,
      )

      const differences = out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(
        differences.filter(({ difference }) => difference !== 'missing_there' && difference !== 'renamed'),
      ).toEqual([])
      expect(err()).toMatch(/: equal \d\d(, renamed 1)?$/m)
      expect(code).toBe(0)
    },
  )

  it('reads both sides once more when they differ, and sees what has moved', async () => {
    await using kafka = await createKafkaCluster()
    kafka.state.createTopic('t', 1)
    kafka.state.setLog('t', 0, 0n, 10n)
    kafka.state.commit('g', 't', 0, 3n)
    const page = (lag: number): string => `kafka_consumergroup_lag{consumergroup="g",topic="t",partition="0"} ${lag}\n`
    let asked = 0
    await using exporter = await serverOf((_, response) => {
      response.end(page(asked++ === 0 ? 12 : 17))
      kafka.state.setLog('t', 0, 0n, 20n)
    })
    const file = join(mkdtempSync(join(tmpdir(), 'lagkeeper-compare-')), 'lagkeeper.yaml')
    writeFileSync(file, `kafka: [ { name: main, bootstrap: "${kafka.bootstrap.join(',')}" } ]\n`)
    const { io, out } = captureIo()

    const code = await compareCommand([`--url=${exporter.url}`, `--config.file=${file}`, '--wait=0.1', '--all'], io)

    expect(asked).toBe(2)
    expect(JSON.parse(out())).toMatchObject({ difference: 'equal', kafka_cluster: 'main', theirs: 17, ours: 17 })
    expect(code).toBe(0)
  })

  it('takes log offsets of the one cluster that has consumers, and those that a limit left off the page', async () => {
    const other = { consumer: billing, topic: 'orders', partition: 0, start: 0n, end: 7n, reason: 'timeout' } as const
    const quiet = { ...fakeSnapshot([other], { kafkaCluster: 'aux' }), parts: [], consumers: [] }
    await using daemon = await daemonOf([fakeSnapshot(rows), quiet], { perKafkaCluster: 1, perPage: 1 })
    await using exporter = await exporterOf('kafka_topic_partition_current_offset{topic="orders",partition="0"} 100\n')
    const { io, err } = captureIo()

    expect(await compareCommand([`--url=${exporter.url}`, `--daemon=${daemon.url}`, '--wait=0'], io)).toBe(0)
    expect(err()).toBe('1 compared: equal 1\n')
  })

  it('asks which cluster when a side has several', async () => {
    await using daemon = await daemonOf([fakeSnapshot(rows), fakeSnapshot(rows, { kafkaCluster: 'aux' })])
    await using one = await exporterOf(kafkaExporterPage)
    const of = (cluster: string): string =>
      `kafka_partition_latest_offset{cluster_name="${cluster}",topic="orders",partition="0"} 100\n`
    await using two = await exporterOf(of('eu') + of('us'))
    const [ours, theirs, named] = [captureIo(), captureIo(), captureIo()]

    expect(await compareCommand([`--url=${one.url}`, `--daemon=${daemon.url}`], ours.io)).toBe(2)
    expect(ours.err()).toContain('--kafka.cluster: missing, expected one of aux, main')
    const argv = [`--url=${two.url}`, `--daemon=${daemon.url}`, '--kafka.cluster=aux']
    expect(await compareCommand(argv, theirs.io)).toBe(2)
    expect(theirs.err()).toContain('--their.cluster: missing, expected one of eu, us')
    expect(await compareCommand([...argv, '--their.cluster=eu'], named.io)).toBe(0)
  })

  it.each<[string, RequestListener, RegExp]>([
    ['a page without anything to compare', (_, response) => response.end('up 1\n'), /no series that can be compared/],
    ['another status', (_, response) => response.writeHead(401).end(), /it answers 401, expected 200/],
    [
      'a cut answer',
      (_, response) => response.writeHead(200, { 'Content-Length': '9' }).write('a', () => response.destroy()),
      /aborted/,
    ],
    [
      'a gzip that is none',
      (_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('kafka_brokers 1'),
      /incorrect header check/,
    ],
    [
      'another encoding',
      (_, response) => response.writeHead(200, { 'Content-Encoding': 'br' }).end('x'),
      /answers in br, expected gzip or none/,
    ],
    [
      'a gzip that swells',
      (_, response) => {
        const member = gzipSync(Buffer.alloc(2 ** 20))
        response.writeHead(200, { 'Content-Encoding': 'gzip' })
        response.end(Buffer.concat(Array.from({ length: 300 }, () => member)))
      },
      /more than 256 MiB/,
    ],
    ['nothing in time', () => undefined, /no whole answer within 1 s/],
  ])('exits with 3 for %s, without a word of its password', async (_, answer, message) => {
    await using daemon = await daemonOf([fakeSnapshot(rows)])
    await using exporter = await serverOf(answer)
    const { io, err } = captureIo()
    const url = exporter.url.replace('http://', 'http://someone:s3cret@')

    expect(
      await compareCommand(
        [`--url=${url}`, `--daemon=${daemon.url}`, `--timeout=${message.source.includes('1 s') ? 1 : 20}`],
        io,
      ),
    ).toBe(3)
    expect(err()).toMatch(message)
    expect(err()).not.toContain('s3cret')
  })

  it('exits with 3 when there is no daemon, or something else', async () => {
    await using exporter = await exporterOf(kafkaExporterPage)
    const [nobody, other] = [captureIo(), captureIo()]

    expect(await compareCommand([`--url=${exporter.url}`, '--daemon=http://127.0.0.1:1'], nobody.io)).toBe(3)
    expect(nobody.err()).toContain('ECONNREFUSED')
    expect(await compareCommand([`--url=${exporter.url}`, `--daemon=${exporter.url}`], other.io)).toBe(3)
    expect(other.err()).toContain('no JSON, expected what Lagkeeper answers')
  })

  it('sends user and password of a URL as basic authentication', async () => {
    await using daemon = await daemonOf([fakeSnapshot(rows)])
    let sent: string | undefined
    await using exporter = await serverOf((request, response) => {
      sent = request.headers.authorization
      response.end(kafkaExporterPage)
    })
    const url = exporter.url.replace('http://', 'http://someone:s%403cret@')

    expect(await compareCommand([`--url=${url}`, `--daemon=${daemon.url}`], captureIo().io)).toBe(0)
    expect(sent).toBe(`Basic ${Buffer.from('someone:s@3cret').toString('base64')}`)
  })

  it('prints its help, and refuses what it does not understand', async () => {
    const [help, wrong] = [captureIo(), captureIo()]

    expect(await compareCommand(['--help'], help.io)).toBe(0)
    expect(help.out()).toContain('Exit codes')
    expect(await compareCommand(['--url=nowhere', '--wait=x', '--consumer=('], wrong.io)).toBe(2)
    expect(wrong.err()).toMatch(
      /--url: not an http or https URL[\s\S]*--consumer: "\("[\s\S]*--wait: "x"[\s\S]*See lagkeeper compare --help/,
    )
  })
})

describe('parseCompareArguments()', () => {
  it.each<[string[], RegExp]>([
    [[], /--url: missing, expected a URL/],
    [['--url=file:///etc/passwd'], /--url: not an http or https URL/],
    [['--url=http://x/', '--daemon=nowhere'], /--daemon: not an http or https URL/],
    [['--url=http://x/', '--daemon=http://y/', '--config.file=z'], /--daemon: expected it alone/],
    [['--url=http://x/', '--timeout=0'], /--timeout: "0", expected 1 to 600 seconds/],
    [['--url=http://x/', '--wait=9999'], /--wait: "9999", expected 0 to 600 seconds/],
    [['--url=http://x/', '--colour'], /--colour/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseCompareArguments(argv)).toThrow(message)
  })
})
