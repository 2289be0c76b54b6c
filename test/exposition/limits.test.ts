import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Granularity } from '../../src/exposition/granularity.ts'
import { shares } from '../../src/exposition/limits.ts'
import { type RenderOptions, render } from '../../src/exposition/render.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { type FakeRow, fakeSnapshot } from '../fakes/snapshot.ts'
import { syntheticSnapshot } from '../fakes/synthetic-snapshot.ts'
import { parsePage, type Sample } from './parse-page.ts'

const NO_LIMIT = 1e9

function group(name: string, members = 1): Consumer {
  return { name, kind: 'classic', group: name, state: 'Stable', members }
}

/** Rows of a consumer on one topic. */
function rowsOf(consumer: Consumer, topic: string, partitions: number): FakeRow[] {
  return Array.from({ length: partitions }, (_, partition) => ({
    consumer,
    topic,
    partition,
    position: 1n,
    start: 0n,
    end: 10n,
  }))
}

interface Rendered {
  readonly samples: readonly Sample[]
  readonly dropped: Readonly<Record<string, number>>
  of(name: string): readonly Sample[]
}

function rendered(snapshots: readonly Snapshot[], options: RenderOptions): Rendered {
  const dropped: Record<string, number> = {}
  const chunks = render(snapshots, {
    ...options,
    onDropped: (kafkaCluster, reason, count) => {
      dropped[`${kafkaCluster} ${reason}`] = count
    },
  })
  const samples = parsePage(Buffer.concat([...chunks]))
  return { samples, dropped, of: (name) => samples.filter((sample) => sample.name === name) }
}

function limited(perKafkaCluster: number, perPage = NO_LIMIT): RenderOptions {
  return { limits: { perKafkaCluster, perPage } }
}

const partitionsOf = ({ of }: Rendered): string[] => [
  ...new Set(of('stream_consumer_records_lag').map(({ labels }) => labels['consumer'] ?? '')),
]
const topicsOf = ({ of }: Rendered): string[] => [
  ...new Set(of('stream_consumer_topic_records_lag').map(({ labels }) => labels['consumer'] ?? '')),
]
const totalsOf = ({ of }: Rendered): string[] =>
  of('stream_consumer_total_records_lag').map(({ labels }) => labels['consumer'] ?? '')

describe('granularity', () => {
  const rows = [
    ...rowsOf(group('a'), 't1', 2),
    ...rowsOf(group('b'), 't1', 2),
    ...rowsOf(group('b'), 't2', 1),
    ...rowsOf(group('c'), 't2', 1),
  ]
  const wanted: Readonly<Record<string, Granularity>> = { a: 'partition', b: 'topic', c: 'consumer' }
  const promise = { topic: 't1', records: 5, owner: 'x', severity: 'critical' } as const
  const snapshot = fakeSnapshot(rows, {
    objectives: ['a', 'b', 'c'].map((consumer) => ({ consumer, ...promise })),
  })
  const page = rendered([snapshot], { granularity: (_, consumer) => wanted[consumer] ?? 'partition' })

  it('prints partitions, topics or totals of a consumer as its rule says', () => {
    expect([partitionsOf(page), topicsOf(page), totalsOf(page)]).toEqual([['a'], ['a', 'b'], ['a', 'b', 'c']])
    expect(new Set(page.of('stream_consumer_position').map(({ labels }) => labels['consumer']))).toEqual(new Set(['a']))
    for (const name of ['stream_consumer_partitions', 'stream_consumer_objective_records'])
      expect([...new Set(page.of(name).map(({ labels }) => labels['consumer']))]).toEqual(['a', 'b'])
  })

  it('leaves every sum as it is when everything is printed', () => {
    const all = rendered([snapshot], {})

    const printed = new Set(page.samples.map((sample) => JSON.stringify(sample)))
    const whole = new Set(all.samples.map((sample) => JSON.stringify(sample)))
    expect([...printed].filter((sample) => !whole.has(sample))).toEqual([])
    expect(page.of('stream_consumer_total_records_lag')).toEqual(all.of('stream_consumer_total_records_lag'))
  })

  it('counts nothing as left out, since the user wanted it so', () => {
    const { dropped } = rendered([snapshot], { granularity: () => 'consumer', ...limited(NO_LIMIT) })

    expect(dropped).toEqual({ 'main kafka_cluster_limit': 0, 'main page_limit': 0 })
  })

  it('counts an objective once for each unit in which it is promised', () => {
    const units = [{ records: 5 }, { seconds: 60 }, { records: 5, seconds: 60 }].map((promised, index) => ({
      consumer: 'c',
      topic: `t${index}`,
      owner: 'x',
      severity: 'critical' as const,
      ...promised,
    }))
    const series = (objectives: typeof units): number => {
      const one = fakeSnapshot(rowsOf(group('c'), 't2', 1), { objectives })
      return rendered([one], limited(0)).dropped['main kafka_cluster_limit'] ?? Number.NaN
    }

    expect(series(units) - series([])).toBe(4)
  })

  it('prints log offsets whatever the granularity of their readers', () => {
    const { of } = rendered([snapshot], { granularity: () => 'consumer' })

    expect(of('kafka_partition_log_end_offset')).toHaveLength(3)
  })
})

describe('a limit of a Kafka cluster', () => {
  const [large, middle, small] = [group('large', 1), group('middle', 1), group('small', 1)]
  const snapshot = fakeSnapshot([...rowsOf(large, 'big', 60), ...rowsOf(middle, 'mid', 20), ...rowsOf(small, 'sml', 2)])
  const all = rendered([snapshot], {}).samples.length

  it('changes nothing when everything fits to the last series', () => {
    const page = rendered([snapshot], limited(all))

    expect([page.samples.length, page.dropped]).toEqual([all, { 'main kafka_cluster_limit': 0, 'main page_limit': 0 }])
  })

  it('takes the partitions of the largest consumers first, and counts them', () => {
    const page = rendered([snapshot], limited(all - 1))

    expect([partitionsOf(page), topicsOf(page)]).toEqual([
      ['middle', 'small'],
      ['large', 'middle', 'small'],
    ])
    expect(page.dropped).toEqual({ 'main kafka_cluster_limit': 120, 'main page_limit': 0 })
    expect(page.samples.length).toBe(all - 120)
  })

  it('takes topics once no partitions are left, log offsets after them, and consumers at last', () => {
    const steps = Array.from({ length: all + 1 }, (_, most) => rendered([snapshot], limited(most))).reverse()

    const seen = steps.map((page) => [
      partitionsOf(page).length,
      topicsOf(page).length,
      page.of('kafka_partition_log_end_offset').length,
      totalsOf(page).length,
    ])
    const changes = seen.filter((one, at) => String(one) !== String(seen[at - 1]))
    expect(changes).toEqual([
      [3, 3, 82, 3],
      [2, 3, 82, 3],
      [1, 3, 82, 3],
      [0, 3, 82, 3],
      [0, 2, 82, 3],
      [0, 1, 82, 3],
      [0, 0, 82, 3],
      [0, 0, 22, 3],
      [0, 0, 2, 3],
      [0, 0, 0, 3],
      [0, 0, 0, 2],
      [0, 0, 0, 1],
      [0, 0, 0, 0],
    ])
  })

  it('never prints more, and what it leaves out and prints is the whole', () => {
    fc.assert(
      fc.property(fc.nat(all + 5), (most) => {
        const page = rendered([snapshot], limited(most))

        expect(page.samples.length).toBeLessThanOrEqual(most)
        expect(page.samples.length + page.dropped['main kafka_cluster_limit']!).toBe(all)
      }),
    )
  })

  it('prints right sums of what it does not print', () => {
    const page = rendered([snapshot], limited(60))

    expect(page.of('stream_consumer_total_records_lag').map(({ value }) => value)).toEqual(['540', '180', '18'])
  })

  it('takes the log offsets of topics that nobody reads before anything of a consumer', () => {
    const flood = fakeSnapshot([...rowsOf(small, 'sml', 2), ...rowsOf(group('ghost'), 'zzz', 500)])
    const unread = { ...flood, parts: flood.parts, consumers: flood.consumers }
    const [part] = flood.parts
    const onlySmall = {
      ...unread,
      parts: [
        {
          ...part!,
          batch: {
            ...part!.batch,
            blockConsumer: Uint32Array.of(0),
            blockTopic: Uint32Array.of(0),
            blockFirst: Uint32Array.of(0, 2),
          },
        },
      ],
      consumers: flood.consumers.filter(({ consumer }) => consumer.name === 'small'),
    }

    const page = rendered([onlySmall], limited(200))

    expect(partitionsOf(page)).toEqual(['small'])
    expect(page.of('kafka_partition_log_end_offset').map(({ labels }) => labels['topic'])).toEqual(['sml', 'sml'])
  })

  it('keeps consumers with live members when a flood of new groups takes all the room', () => {
    const flood = Array.from({ length: 300 }, (_, at) => group(`a${String(at).padStart(4, '0')}`, 0))
    const attacked = fakeSnapshot([
      ...flood.flatMap((one) => rowsOf(one, 'sml', 1)),
      ...rowsOf(small, 'sml', 1),
      ...rowsOf(middle, 'sml', 1),
    ])

    const page = rendered([attacked], limited(100))

    expect(page.samples.length).toBeLessThanOrEqual(100)
    expect(totalsOf(page)).toEqual(expect.arrayContaining(['middle', 'small', 'a0000']))
    expect(totalsOf(page)).not.toContain('a0299')
  })

  it('chooses the same whatever the order in which brokers answered', () => {
    const one = fakeSnapshot([...rowsOf(small, 'sml', 3), ...rowsOf(middle, 'mid', 3)])
    const other = fakeSnapshot([...rowsOf(middle, 'mid', 3), ...rowsOf(small, 'sml', 3)])

    expect(rendered([one], limited(32)).samples).toEqual(rendered([other], limited(32)).samples)
    expect(partitionsOf(rendered([one], limited(32)))).toEqual(['small'])
  })

  it('takes small steps over 200,000 rows', () => {
    const big = syntheticSnapshot({ consumers: 20_000, topicsPerConsumer: 5, partitions: 2, topics: 1000 })
    let steps = 0
    let longest = 0
    let at = performance.now()
    for (const _ of render([big], limited(100_000))) {
      longest = Math.max(longest, performance.now() - at)
      steps++
      at = performance.now()
    }

    expect(steps).toBeGreaterThan(100)
    expect(longest).toBeLessThan(250)
  })
})

describe('a limit of the page', () => {
  it('leaves small clusters alone and cuts the large ones to the same size', () => {
    const snapshots = [
      fakeSnapshot(rowsOf(group('s', 1), 't', 2), { kafkaCluster: 'small' }),
      fakeSnapshot(rowsOf(group('l', 1), 't', 100), { kafkaCluster: 'large' }),
      fakeSnapshot(rowsOf(group('h', 1), 't', 200), { kafkaCluster: 'huge' }),
    ]

    const page = rendered(snapshots, limited(NO_LIMIT, 500))

    expect(page.samples.length).toBeLessThanOrEqual(500)
    expect(partitionsOf(page)).toEqual(['s'])
    expect(page.dropped).toEqual({
      'huge kafka_cluster_limit': 0,
      'huge page_limit': 802,
      'large kafka_cluster_limit': 0,
      'large page_limit': 200,
      'small kafka_cluster_limit': 0,
      'small page_limit': 0,
    })
  })

  it.each([
    [[1, 2, 3], 100, [1, 2, 3]],
    [[10, 100, 1000], 300, [10, 100, 190]],
    [[10, 200, 1000], 300, [10, 145, 145]],
    [[50, 50], 10, [5, 5]],
    [[], 10, []],
  ])('shares of %j of at most %d are %j', (sizes, most, expected) => {
    expect(shares(sizes, most)).toEqual(expected)
  })
})
