import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lagCommand } from '../../src/commands/lag.ts'
import { readLag } from '../../src/commands/read-lag.ts'
import { consumerName } from '../../src/model/consumer.ts'
import { type LagRow, lagRows } from '../../src/model/lag-row.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { captureIo } from '../fakes/io.ts'
import { type EdgeLoad, edgeLoad } from '../loads/edge-load.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { describeGroups } from '../rigs/kafka-tool.ts'
import { type Oracle, type RigClient, startRigClient } from '../rigs/rig-client.ts'

const ordinary = /^[a-z0-9-]+$/

describe.each(['4.3.1', '3.9.2', '1.1.1'])('lagkeeper lag on Kafka %s', (version) => {
  let kafka: KafkaRig
  let rig: RigClient
  let load: EdgeLoad
  let oracle: Oracle
  let rows: readonly LagRow[]
  const requests: Record<string, number> = {}

  beforeAll(async () => {
    kafka = await startKafka({ version })
    rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
    load = await edgeLoad(rig)
    oracle = await rig.oracle(load.groups)
    const snapshot = await readLag(
      {
        kafkaCluster: 'real',
        bootstrap: [kafka.bootstrap],
        requestTimeoutMs: 10_000,
        clock: systemClock,
        keepConsumer: () => true,
        keepTopic: (name) => !name.startsWith('__'),
        onRequest: (api) => {
          requests[api] = (requests[api] ?? 0) + 1
        },
      },
      new AbortController().signal,
    )
    expect(snapshot.problems).toEqual([])
    rows = [...lagRows(snapshot)]
  })
  afterAll(async () => {
    await load?.close()
    await rig?.stop()
    await kafka?.stop()
  })

  it('has a row for each commit, equal to what the Java clients say, and the lag of section 6', () => {
    const ends = new Map(oracle.ends.map((end) => [`${end.topic}/${end.partition}`, end]))
    const ours = new Map(rows.map((row) => [`${row.consumer}\u0001${row.topic}/${row.partition}`, row]))
    const wrong: unknown[] = []
    for (const { group, topic, partition, offset } of oracle.committed) {
      const row = ours.get(`${consumerName(group)}\u0001${topic}/${partition}`)
      const end = ends.get(`${topic}/${partition}`)
      if (end === undefined) throw new Error(`the oracle has no end of ${topic}/${partition}`)
      const readable = offset > end.beginning ? offset : end.beginning
      const expected = {
        position: offset,
        logStartOffset: end.beginning,
        logEndOffset: end.end,
        ...(offset <= end.end ? { recordsLag: end.end - readable } : { reason: 'position_beyond_end' }),
      }
      const got = row && {
        position: row.position,
        logStartOffset: row.logStartOffset,
        logEndOffset: row.logEndOffset,
        ...(row.recordsLag === undefined ? {} : { recordsLag: row.recordsLag }),
        ...(row.reason === undefined ? {} : { reason: row.reason }),
      }
      if (JSON.stringify(got, big) !== JSON.stringify(expected, big))
        wrong.push({ group, topic, partition, got, expected })
    }

    expect(oracle.committed.length).toBeGreaterThan(700)
    expect(wrong).toEqual([])
  })

  it('has no other row but the assigned partitions without a commit', () => {
    const committed = new Set(
      oracle.committed.map((one) => `${consumerName(one.group)}\u0001${one.topic}/${one.partition}`),
    )
    const others = rows.filter((row) => !committed.has(`${row.consumer}\u0001${row.topic}/${row.partition}`))

    expect(
      others.map(({ consumer, topic, partition, position, recordsLag, reason }) => ({
        consumer,
        topic,
        partition,
        position,
        recordsLag,
        reason,
      })),
    ).toEqual([
      {
        consumer: 'live',
        topic: 'orders',
        partition: 0,
        position: undefined,
        recordsLag: undefined,
        reason: 'no_position',
      },
      {
        consumer: 'live',
        topic: 'orders',
        partition: 1,
        position: undefined,
        recordsLag: undefined,
        reason: 'no_position',
      },
      {
        consumer: 'live',
        topic: 'orders',
        partition: 2,
        position: undefined,
        recordsLag: undefined,
        reason: 'no_position',
      },
      { consumer: 'live', topic: 'orders', partition: 3, position: undefined, recordsLag: 0n, reason: undefined },
    ])
  })

  it("equals the columns of the broker's own group tool, which differs in its LAG only below the start and past the end", async () => {
    const groups = ['wide-0', 'wide-3', 'beyond', 'below', 'marker', 'of-the-reborn', 'half', 'dots']
    const differing: string[] = []
    const tool = await describeGroups(version, kafka.bootstrap, ...groups)
    for (const group of groups) {
      const mine = rows.filter((row) => row.consumer === group)
      const theirs = tool.filter((row) => row.group === group && row.current !== undefined)
      expect(theirs).toHaveLength(mine.length)
      for (const row of theirs) {
        const our = mine.find((one) => one.topic === row.topic && one.partition === row.partition)
        expect([our?.position, our?.logEndOffset]).toEqual([row.current, row.end])
        if (our?.recordsLag !== row.lag)
          differing.push(`${group} ${row.topic}/${row.partition} ${row.lag} ${our?.recordsLag ?? our?.reason}`)
      }
    }

    expect(groups.every((group) => ordinary.test(group))).toBe(true)
    expect(differing.sort()).toEqual([
      'below trimmed/0 60 20',
      'beyond orders/0 -90 position_beyond_end',
      'beyond orders/3 -5 position_beyond_end',
      'of-the-reborn reborn/1 -35 position_beyond_end',
    ])
  })

  it('costs few requests', () => {
    expect(requests['Metadata']).toBeLessThanOrEqual(4)
    expect(requests['ListOffsets']).toBeLessThanOrEqual(4)
    expect(requests['FindCoordinator']).toBeUndefined()
    // Two readings, since a position lies past the end; before 3.0 a request a group.
    expect(requests['OffsetFetch']).toBe(version === '1.1.1' ? 2 * load.groups.length : 2)
  })

  it('prints JSON lines in a pipe, a table on a terminal, and says with its exit code what it found', async () => {
    const pipe = captureIo()
    const terminal = captureIo({ isTTY: true })
    const bootstrap = `--kafka.bootstrap=${kafka.bootstrap}`

    expect(await lagCommand([bootstrap, '--consumer=half|dots'], pipe.io)).toBe(0)
    expect(
      pipe
        .out()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        kafka_cluster: 'default',
        consumer: 'dots',
        kind: 'classic',
        topic: 'dots.and_underscores-',
        partition: 0,
        position: 4,
        log_start_offset: 0,
        log_end_offset: 9,
        records_lag: 5,
      },
      {
        kafka_cluster: 'default',
        consumer: 'half',
        kind: 'classic',
        topic: 'orders',
        partition: 1,
        position: 50,
        log_start_offset: 0,
        log_end_offset: 50,
        records_lag: 0,
      },
    ])
    expect(await lagCommand([bootstrap, '--consumer=half|dots', '--max-lag=4'], terminal.io)).toBe(1)
    expect(terminal.out()).toBe(
      [
        'CONSUMER  TOPIC                  PARTITION  POSITION  LOG-START  LOG-END  LAG  REASON',
        'dots      dots.and_underscores-          0         4          0        9    5',
        'half      orders                         1        50          0       50    0',
        '',
      ].join('\n'),
    )
    expect(await lagCommand([bootstrap, '--consumer=beyond'], captureIo().io)).toBe(3)
    expect(await lagCommand([bootstrap, '--consumer=nobody'], captureIo().io)).toBe(3)
    expect(await lagCommand([bootstrap, '--consumer=half', '--max-lag=0'], captureIo().io)).toBe(0)
  })
})

function big(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}
