import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { positionOf } from '../../src/positions/flink-gauges.ts'
import { type FakeGauge, flinkWorld, jobView, topic } from './flink-world.ts'

const orders = topic('orders', 100)

describe('positionOf()', () => {
  it.each<['source' | 'legacy', number | undefined, number | undefined, number | undefined]>([
    ['source', 41, 30, 42],
    ['source', 0, -1, 1],
    ['source', -1, -1, undefined],
    ['source', -1, 30, 30],
    ['source', undefined, 30, 30],
    ['source', undefined, undefined, undefined],
    ['legacy', 41, 30, 42],
    ['legacy', -1, -915623761776, 0],
    ['legacy', -915623761776, -915623761776, undefined],
    ['legacy', -915623761775, 7, 7],
    ['legacy', -915623761773, -1, undefined],
    ['legacy', undefined, 0, 0],
  ])('of a %s with current %s and committed %s is %s', (generation, current, committed, position) => {
    const gauges = { ...(current === undefined ? {} : { current }), ...(committed === undefined ? {} : { committed }) }

    expect(positionOf({ generation, ...gauges })).toBe(position)
  })
})

describe('positions by pages', () => {
  it('are of the last attempt of a subtask, on whichever page it is', async () => {
    const world = flinkWorld([orders])
    world.page('tm1', { gauges: [{ current: 89, attempt: 0 }] })
    world.page('tm2', { gauges: [{ current: 49, attempt: 1 }] })

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '50' })
  })

  it('are not of an earlier attempt when the last one says nothing', async () => {
    const world = flinkWorld([orders])
    world.page('tm1', { gauges: [{ current: 89, attempt: 0 }] })
    world.page('tm2', { gauges: [{ current: -1, attempt: 1 }] })

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '- no_position' })
  })

  it.each([
    ['1.13.6', '- no_position', '70'],
    ['1.14.2', '- no_position', '70'],
    ['1.14.3', '10', '10'],
    ['2.2.1', '10', '10'],
  ])(
    'of a KafkaSource of %s, whose gauge may be ahead of the job up to 1.14.2, give the lag %s, and %s once it has committed',
    async (version, before, after) => {
      const world = flinkWorld([orders])
      world.jobs(jobView({ version }))
      world.page('tm1', { gauges: [{ current: 89, committed: -1 }] })
      expect((await world.cycle()).rows).toEqual({ 'orders/0': before })

      world.page('tm1', { gauges: [{ current: 89, committed: 30 }] })
      expect((await world.cycle()).rows).toEqual({ 'orders/0': after })
    },
  )

  it('follow a partition from one subtask to another', async () => {
    const world = flinkWorld([orders])
    world.jobs(jobView({ parallelism: new Map([['v1', 2]]) }))
    world.page('tm1', { gauges: [{ current: 89, subtask: 0, attempt: 0 }] })
    world.page('tm2', { gauges: [{ current: 49, subtask: 1, attempt: 1 }] })

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '50' })
  })

  it('of two operators on one partition are of the one that is further behind', async () => {
    const world = flinkWorld([orders])
    const both = (one: Partial<FakeGauge>, other: Partial<FakeGauge>) => ({
      gauges: [one, { ...other, operator: 'op2', vertex: 'v2' }],
    })

    world.page('tm', both({ current: 89 }, { current: 49 }))
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '50' })

    // One of them may be anywhere: the earlier row stays for a time, and then nothing is known.
    world.page('tm', both({ current: 95 }, { current: -1 }))
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '50 stale held' })
    world.pass(91_000)
    world.page('tm', both({ current: 95 }, { current: -1 }))
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '- no_position' })
  })

  it.each([
    ['timeout', 'timeout'],
    ['refused', 'read_failed'],
    ['other_process', 'read_failed'],
  ] as const)('of a page that fails with %s are held at once, and then gone', async (kind, reason) => {
    const world = flinkWorld([orders])
    world.page('tm', { gauges: [{ current: 89 }] })
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10' })
    world.pass(30_000)
    world.fail('tm', kind)

    expect((await world.cycle()).rows).toEqual({ 'orders/0': `10 ${reason} held` })
    world.pass(61_000)
    const { rows, totals } = await world.cycle()
    expect(rows).toEqual({ 'orders/0': '- stale' })
    expect(totals).toEqual({ 'prod/etl': undefined })
  })

  it('of an old page are not shown as if they were of now', async () => {
    const world = flinkWorld([orders])
    world.page('tm', { gauges: [{ current: 89 }] })
    await world.cycle()
    world.pass(90_001)

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '- stale' })
  })

  it('of a TaskManager that is gone stay for a time, and then its partitions stay without', async () => {
    const world = flinkWorld([topic('orders', 100, 100)])
    world.jobs(jobView({ parallelism: new Map([['v1', 2]]) }))
    world.page('tm1', { gauges: [{ current: 89, partition: 0, subtask: 0 }] })
    world.page('tm2', { gauges: [{ current: 79, partition: 1, subtask: 1 }] })
    expect((await world.cycle()).totals).toEqual({ 'prod/etl': 30 })
    world.forget('tm2')
    world.pass(10_000)

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10', 'orders/1': '20 stale held' })
    world.pass(81_000)
    world.page('tm1', { gauges: [{ current: 94, partition: 0, subtask: 0 }] })
    const { rows, totals } = await world.cycle()
    expect(rows).toEqual({ 'orders/0': '5', 'orders/1': '- stale' })
    expect(totals['prod/etl']).toBeUndefined()
  })

  it('have a row for every partition: none is read by nobody when every subtask was seen, else it is not known', async () => {
    const world = flinkWorld([topic('orders', 100, 100)])
    world.page('tm', { gauges: [{ current: 89 }] })
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10', 'orders/1': '- no_position' })

    world.jobs(jobView({ parallelism: new Map([['v1', 2]]) }))
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10', 'orders/1': '- incomplete' })

    world.page('tm2', { idle: [{ subtask: 1 }] })
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10', 'orders/1': '- no_position' })
  })

  it('take an unseen subtask into account by the pages that fail when the parallelism is not known', async () => {
    const world = flinkWorld([topic('orders', 100, 100)])
    world.jobs(jobView({ parallelism: new Map() }))
    world.page('tm', { gauges: [{ current: 89 }] })
    world.fail('tm2')

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10', 'orders/1': '- incomplete' })
    world.fail('tm3', 'refused', 'other')
    world.forget('tm2')
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10', 'orders/1': '- incomplete' })
    world.forget('tm3', 'other')
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10', 'orders/1': '- no_position' })
  })

  it('tell applications apart that have the same job id', async () => {
    const world = flinkWorld([orders])
    world.jobs(
      jobView({ consumer: 'prod/a', applicationId: 'application_1_0001' }),
      jobView({ consumer: 'prod/b', applicationId: 'application_1_0002' }),
    )
    world.page('tm1', { gauges: [{ current: 89 }] }, 'application_1_0001')
    world.page('tm2', { gauges: [{ current: 49 }] }, 'application_1_0002')
    world.page('tm3', { gauges: [{ current: 9 }] }, 'application_1_0003')

    expect((await world.cycle()).rows).toEqual({ 'prod/a orders/0': '10', 'prod/b orders/0': '50' })
  })

  it('name job and application of the consumer', async () => {
    const world = flinkWorld([orders])
    world.jobs(jobView({ applicationId: 'application_1_0001', group: 'g' }))
    world.page('tm1', { gauges: [{ current: 89 }] }, 'application_1_0001')

    const { batches } = await world.source.collect(world.catalog(), new AbortController().signal)

    expect(batches[0]?.consumers).toEqual([
      { name: 'prod/etl', kind: 'flink', group: 'g', jobId: 'job1', applicationId: 'application_1_0001' },
    ])
  })

  it('are of no job that nobody knows, and of none that has ended', async () => {
    const world = flinkWorld([orders])
    world.page('tm', { gauges: [{ job: 'other', current: 89 }] })
    expect((await world.cycle()).rows).toEqual({})

    world.page('tm', { gauges: [{ current: 89 }] })
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10' })
    world.page('tm', {})
    world.jobs(jobView({ state: 'FAILED', expectedRunning: true }))
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10 stale held' })
    world.jobs(jobView({ state: 'CANCELED', expectedRunning: false }))
    expect(await world.cycle()).toEqual({ rows: {}, totals: {} })
  })

  it('are expected of a new run for what the former one read, until all of the new one has been seen for a while', async () => {
    const world = flinkWorld([orders, topic('payments', 10)])
    world.page('tm', { gauges: [{ current: 89 }, { topic: 'payments', current: 4 }] })
    await world.cycle()
    world.pass(20_000)
    world.jobs(jobView({ jobId: 'job2' }))
    world.page('tm', { gauges: [{ job: 'job2', current: 49 }] })

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '50', 'payments/0': '5 stale held' })
    world.pass(80_000)
    world.page('tm', { gauges: [{ job: 'job2', current: 49 }] })
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '50', 'payments/0': '- stale' })
    world.pass(15_000)
    world.page('tm', { gauges: [{ job: 'job2', current: 49 }] })
    expect((await world.cycle()).rows).toEqual({ 'orders/0': '50' })
  })
})

describe('topics of pages', () => {
  const dotted = [topic('ods.orders-v1', 100), topic('ods_orders_v1', 5)]
  const gauge: FakeGauge = { topic: 'ods_orders_v1', current: 2 }

  it('are the only one that is shown so', async () => {
    const world = flinkWorld(dotted.slice(0, 1))
    world.page('tm', { gauges: [gauge] })

    expect((await world.cycle()).rows).toEqual({ 'ods.orders-v1/0': '97' })
  })

  it('are ambiguous when several are shown so, with a row for every one of them and no sum', async () => {
    const world = flinkWorld(dotted)
    world.page('tm', { gauges: [gauge] })

    expect(await world.cycle()).toEqual({
      rows: { 'ods.orders-v1/0': '- ambiguous_topic', 'ods_orders_v1/0': '- ambiguous_topic' },
      totals: { 'prod/etl': undefined },
    })
  })

  it('are ambiguous too when the other one is not looked at', async () => {
    const world = flinkWorld(dotted.slice(0, 1), { leftOut: ['ods_orders_v1'] })
    world.page('tm', { gauges: [gauge] })

    expect((await world.cycle()).rows).toEqual({ 'ods.orders-v1/0': '- ambiguous_topic' })
  })

  it('that are left out have no row', async () => {
    const world = flinkWorld([orders], { leftOut: ['ods.orders-v1'] })
    world.page('tm', { gauges: [gauge, { current: 89 }] })

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10' })
  })

  it('are what unfiltered labels say', async () => {
    const world = flinkWorld(dotted)
    world.page('tm', { gauges: [gauge, { topic: 'ods.orders-v1', current: 9 }], hasTrueLabels: true })

    expect((await world.cycle()).rows).toEqual({ 'ods.orders-v1/0': '90', 'ods_orders_v1/0': '2' })
  })

  it('may be shown in two ways by TaskManagers that are configured differently', async () => {
    const world = flinkWorld([topic('ods.orders-v1', 100, 100)])
    world.jobs(jobView({ parallelism: new Map([['v1', 2]]) }))
    world.page('tm1', { gauges: [{ topic: 'ods.orders-v1', partition: 0, current: 9 }], hasTrueLabels: true })
    world.page('tm2', { gauges: [{ ...gauge, partition: 1, subtask: 1 }] })
    expect((await world.cycle()).rows).toEqual({ 'ods.orders-v1/0': '90', 'ods.orders-v1/1': '97' })

    world.topics([topic('ods.orders-v1', 100, 100), topic('ods_orders_v1', 5)])
    expect((await world.cycle()).rows).toEqual({
      'ods.orders-v1/0': '90',
      'ods.orders-v1/1': '- ambiguous_topic',
      'ods_orders_v1/0': '- ambiguous_topic',
    })
  })

  it('that the metadata does not have yet have rows as they are shown, without a number', async () => {
    const world = flinkWorld([orders])
    world.page('tm', { gauges: [gauge] })
    const { batches } = await world.source.collect(world.catalog(), new AbortController().signal)

    expect(batches[0]?.topics).toEqual([{ name: 'ods_orders_v1', exact: false }])
    expect((await world.cycle()).rows).toEqual({ 'ods_orders_v1/0': '- end_unknown' })
    world.topics(dotted.slice(0, 1))
    expect((await world.cycle()).rows).toEqual({ 'ods.orders-v1/0': '97' })
  })

  it('of a legacy consumer are what HELP lines say, when only one job can be meant by them', async () => {
    const world = flinkWorld(dotted)
    const legacy: FakeGauge = { ...gauge, generation: 'legacy' }
    const help = { ods_orders_v1: ['ods.orders-v1'] }
    world.page('tm', { gauges: [legacy], help })
    expect((await world.cycle()).rows).toEqual({ 'ods.orders-v1/0': '97' })

    const ambiguous = { 'ods.orders-v1/0': '- ambiguous_topic', 'ods_orders_v1/0': '- ambiguous_topic' }
    world.page('tm', { gauges: [legacy, { ...legacy, job: 'another' }], help })
    expect((await world.cycle()).rows).toEqual(ambiguous)

    world.page('tm', { gauges: [gauge], help })
    expect((await world.cycle()).rows).toEqual(ambiguous)

    world.page('tm', { gauges: [legacy], help: { ods_orders_v1: ['ods.orders-v1', 'ods_orders_v1'] } })
    expect((await world.cycle()).rows).toEqual(ambiguous)

    // A partition is read by one subtask: two of them read two topics.
    world.page('tm', { gauges: [legacy, { ...legacy, subtask: 1 }], help })
    expect((await world.cycle()).rows).toEqual(ambiguous)
  })

  it('are of the Kafka cluster that the label of a DynamicKafkaSource names', async () => {
    const world = flinkWorld([orders])
    world.page('tm', {
      gauges: [
        { current: 89, kafkaCluster: 'main' },
        { current: 9, kafkaCluster: 'west' },
      ],
    })

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '10' })
  })

  it('of a job with several Kafka clusters are known only where no other one can be meant', async () => {
    const elsewhere = new Set(['orders', 'west_only'])
    const world = flinkWorld([orders, topic('payments', 10)], { mayBeElsewhere: (_, shown) => elsewhere.has(shown) })
    world.jobs(jobView({ kafkaClusters: ['main', 'west'] }))
    world.page('tm', {
      gauges: [{ current: 89 }, { topic: 'payments', current: 4 }, { topic: 'west_only', current: 1 }],
    })

    expect((await world.cycle()).rows).toEqual({ 'orders/0': '- ambiguous_topic', 'payments/0': '5' })
    const west = flinkWorld([orders])
    west.jobs(jobView({ kafkaClusters: ['west'] }))
    west.page('tm', { gauges: [{ current: 89 }] })
    expect((await west.cycle()).rows).toEqual({})
  })
})

describe('the trace of a position', () => {
  it('names job, page, vertex, subtask and gauge, and says why it counts', async () => {
    const world = flinkWorld([orders])
    world.jobs(jobView({ applicationId: 'application_1_0001' }))
    world.page('tm1', { gauges: [{ current: 89 }] }, 'application_1_0001')
    await world.cycle()

    expect(await world.source.trace('prod/etl', 'orders', 0)).toEqual({
      flinkCluster: 'prod',
      jobManager: 'http://jm:8081',
      jobId: 'job1',
      applicationId: 'application_1_0001',
      state: 'RUNNING',
      topicName: '"orders" is the only topic of the Kafka cluster that is shown as "orders"',
      gauges: [
        {
          page: 'http://tm1:9250/metrics',
          sentAt: 999_995,
          takenAt: 1_000_000,
          vertex: 'v1',
          operator: 'op1',
          operatorName: 'Source:_x',
          subtask: 0,
          attempt: 0,
          current: { gauge: 'KafkaSourceReader_topic_partition_currentOffset', value: 89 },
          position: 90,
          verdict: 'counts',
        },
      ],
      gaugePosition: 90,
      commits: [],
      verdict: 'The gauge is of the last record that the source gave to the job, so the next one is 90',
    })
    expect(await world.source.trace('prod/other', 'orders', 0)).toBeUndefined()
  })

  it('says which of two operators counts, and when one was known last', async () => {
    const world = flinkWorld([orders])
    const second: FakeGauge = { operator: 'op2', vertex: 'v2' }
    world.page('tm', { gauges: [{ current: 89 }, { ...second, current: 49 }] })
    await world.cycle()
    const trace = await world.source.trace('prod/etl', 'orders', 0)
    expect(trace?.gauges.map(({ operator, position }) => [operator, position])).toEqual([
      ['op2', 50],
      ['op1', 90],
    ])
    expect(trace?.verdict).toBe('Of 2 operators that read the partition, the one at position 50 is furthest behind')

    world.pass(15_000)
    world.page('tm', { gauges: [{ current: -1 }] })
    await world.cycle()
    expect((await world.source.trace('prod/etl', 'orders', 0))?.verdict).toBe(
      'The gauge says nothing, as from the start of a source until its first record; 15 s ago the page of prod/session/taskmanager/tm said one',
    )
    world.fail('tm', 'timeout')
    await world.cycle()
    expect((await world.source.trace('prod/etl', 'orders', 0))?.verdict).toBe(
      'No page that can be believed shows a gauge of this partition; 15 s ago the page of prod/session/taskmanager/tm said one (timeout now)',
    )
  })
})

describe('rows of any pages', () => {
  const gauges = fc.uniqueArray(
    fc.record({
      operator: fc.constantFrom('op1', 'op2'),
      subtask: fc.nat(2),
      attempt: fc.nat(2),
      partition: fc.nat(3),
      topic: fc.constantFrom('orders', 'ods_orders_v1', 'young'),
      current: fc.integer({ min: -1, max: 120 }),
      generation: fc.constantFrom('source' as const, 'legacy' as const),
    }),
    // A page has one series for each.
    { maxLength: 12, selector: ({ current: _, ...labels }) => JSON.stringify(labels) },
  )
  const topics = [topic('orders', 100, 100, 100), topic('ods.orders-v1', 100, 100), topic('ods_orders_v1', 5)]

  it('do not depend on the order in which pages come, and are one for each partition', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(gauges, { maxLength: 4 }), async (pages) => {
        const world = (turn: <T>(list: readonly T[]) => readonly T[]) => {
          const made = flinkWorld(topics)
          // One subtask stands on one page: the second of two would be of a later moment.
          for (const [index, page] of turn([...pages.entries()]))
            made.page(`tm${index}`, {
              gauges: turn(page.map((gauge) => ({ ...gauge, subtask: gauge.subtask + 3 * index }))),
            })
          return made
        }
        const forth = await world((list) => list).cycle()
        const back = await world((list) => list.toReversed()).cycle()

        expect(back.totals).toEqual(forth.totals)
        expect(Object.keys(back.rows).sort()).toEqual(Object.keys(forth.rows).sort())
        const last = (page: (typeof pages)[number], subtask: number): number =>
          Math.max(...page.filter((gauge) => gauge.subtask === subtask).map(({ attempt }) => attempt))
        const all = pages.flatMap((page) => page.filter(({ subtask, attempt }) => attempt === last(page, subtask)))
        for (const name of new Set(all.map((gauge) => gauge.topic))) {
          const expected = { orders: 3, ods_orders_v1: 3, young: 1 }[name] ?? 0
          const rows = Object.keys(forth.rows).filter((key) => key.split('/')[0]!.replaceAll(/[.-]/g, '_') === name)
          expect(rows.length).toBeGreaterThanOrEqual(expected)
        }
        // No lag is less than that of the operator that is furthest behind among the last attempts.
        for (const [key, value] of Object.entries(forth.rows)) {
          if (value.startsWith('-') || !key.startsWith('orders/')) continue
          const its = all.filter((gauge) => gauge.topic === 'orders' && gauge.partition === Number(key.split('/')[1]))
          expect(its.map((gauge) => 100 - (gauge.current + 1))).toContain(Number(value))
        }
      }),
      { numRuns: 200 },
    )
  })
})
