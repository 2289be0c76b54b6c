import { describe, expect, it } from 'vitest'
import { compareReadings } from '../../src/compare/explain.ts'
import type { Compared } from '../../src/compare/known.ts'
import { foreignFamily } from '../../src/compare/names.ts'
import { type OurNumbers, type OurRow, partitionKey } from '../../src/compare/ours.ts'
import { createPageReader } from '../../src/compare/page.ts'
import { withOurNames } from '../../src/compare/renamed.ts'
import { type TheirNumbers, theirNumbers } from '../../src/compare/their.ts'

function page(text: string, cluster?: string): TheirNumbers {
  const reader = createPageReader((name) => foreignFamily(name) !== undefined, 1000)
  reader.push(text)
  return theirNumbers(reader.end().samples, cluster)
}

function row(position: number | undefined, logStart: number, logEnd: number, more: Partial<OurRow> = {}): OurRow {
  const from = position === undefined ? undefined : Math.max(position, logStart)
  return {
    consumer: 'g',
    kind: 'classic',
    topic: 't',
    partition: 0,
    logStart,
    logEnd,
    ...(position === undefined ? {} : { position }),
    ...(from === undefined || from > logEnd ? {} : { lag: logEnd - from }),
    ...more,
  }
}

function here(rows: readonly OurRow[], more: Partial<OurNumbers> = {}): OurNumbers {
  return {
    kafkaCluster: 'main',
    rows,
    logs: new Map(
      rows.map(({ topic, partition, logStart = 0, logEnd = 0 }) => [
        partitionKey(topic, partition),
        { topic, start: logStart, end: logEnd },
      ]),
    ),
    members: new Map(rows.map(({ consumer }) => [consumer, 1])),
    problems: [],
    ...more,
  }
}

/** `difference` of each number, or with `why` behind it. */
function explained(theirs: readonly string[], ours: readonly OurNumbers[]): string[] {
  return [
    ...compareReadings(
      theirs.map((text) => page(text)),
      ours,
    ),
  ].map(({ difference, why }: Compared) => (why === undefined ? difference : `${difference}: ${why}`))
}

const lag = (value: string | number, partition = 0): string =>
  `kafka_consumergroup_lag{consumergroup="g",topic="t",partition="${partition}"} ${value}\n`

describe('one number of kafka_exporter', () => {
  it.each<[string, string, OurNumbers, string]>([
    ['the same', lag(7), here([row(3, 0, 10)]), 'equal'],
    ['another', lag(8), here([row(3, 0, 10)]), 'unexplained'],
    [
      '-1 without a commit',
      lag(-1),
      here([row(undefined, 0, 10, { reason: 'no_position' })]),
      'their_no_commit: it shows -1; here there is no series',
    ],
    [
      '-1 on an empty partition',
      lag(-1),
      here([row(undefined, 5, 5, { lag: 0 })]),
      'their_no_commit: it shows -1; the partition is empty, so nothing lags',
    ],
    ['-1 although there is a commit', lag(-1), here([row(3, 0, 10)]), 'unexplained'],
    [
      'a negative lag of a recreated topic',
      lag(-90),
      here([row(100, 0, 10, { reason: 'topic_recreated' })]),
      'their_negative: topic_recreated',
    ],
    ['0 of a deleted topic', lag(0), here([row(100, 0, 10, { reason: 'topic_deleted' })]), 'their_zero: topic_deleted'],
    [
      'records that are gone',
      lag(97),
      here([row(3, 50, 100)]),
      'their_deleted_records: it counts 47 records before the log start, which are gone',
    ],
    [
      '0 because records are gone',
      lag(0),
      here([row(3, 50, 100)]),
      'their_zero: it shows 0 because 47 records are gone',
    ],
    [
      'a lag that we could not read',
      lag(5),
      here([row(3, 0, 10, { reason: 'timeout' })].map(({ lag: _, ...one }) => one)),
      'missing_here: timeout',
    ],
    ['a consumer that is not here', lag(5), here([]), 'unexplained: no such consumer here'],
    [
      'an internal topic',
      lag(5).replace('"t"', '"__consumer_offsets"'),
      here([], { members: new Map([['g', 1]]) }),
      'missing_here: internal_topics is off',
    ],
    [
      'a consumer that could not be read',
      lag(5),
      here([], { problems: [{ reason: 'unauthorized', message: 'No right', consumer: 'g' }] }),
      'missing_here: unauthorized: No right',
    ],
    [
      'a position sum with -1 for partitions without a commit',
      'kafka_consumergroup_current_offset_sum{consumergroup="g",topic="t"} 2\n',
      here([row(3, 0, 10), row(undefined, 0, 10, { partition: 1, reason: 'no_position' })]),
      'their_no_commit: it adds -1 for each of 1 partitions without a commit',
    ],
    [
      'no members of a group of the new protocol',
      'kafka_consumergroup_members{consumergroup="g"} 0\n',
      here([row(3, 0, 10, { kind: 'consumer' })]),
      'their_zero: it cannot see the members of a group of type consumer',
    ],
    [
      'a log end that differs',
      'kafka_topic_partition_current_offset{topic="t",partition="0"} 11\n',
      here([row(3, 0, 10)]),
      'unexplained',
    ],
  ])('is explained: %s', (_, theirs, ours, expected) => {
    expect(explained([theirs], [ours])[0]).toBe(expected)
  })
})

describe('two readings', () => {
  const moved = [here([row(3, 0, 10)]), here([row(20, 0, 30)])]

  it.each<[string, readonly string[], string]>([
    ['a lag in between', [lag(9), lag(12)], 'moving: it moved from one reading to the other'],
    ['a lag that movement allows', [lag(20), lag(21)], 'moving: between 0 and 27 while both were read'],
    ['a lag that cannot be', [lag(28), lag(29)], 'unexplained'],
    [
      'a lag below 0 because the commit was read later',
      [lag(-4), lag(-2)],
      'their_negative: its log end was read before the commit',
    ],
    ['a lag further below 0 than anything moved', [lag(-400), lag(-200)], 'unexplained'],
  ])('explain %s', (_, theirs, expected) => {
    expect(explained(theirs, moved)[0]).toBe(expected)
  })

  it('explain a log end that was read on the way', () => {
    const end = (value: number): string => `kafka_topic_partition_current_offset{topic="t",partition="0"} ${value}\n`

    expect(explained([end(12), end(31)], moved)[0]).toBe('moving: it moved from one reading to the other')
    expect(explained([end(31), end(40)], moved)[0]).toBe('unexplained')
  })

  it('explain nothing when nothing has moved', () => {
    const still = here([row(3, 0, 10)])

    expect(explained([lag(6), lag(6)], [still, still])).toEqual(['unexplained'])
  })
})

describe('sums', () => {
  const rows = [row(3, 50, 100), row(3, 0, 10, { partition: 1 })]
  const sum = (value: number | string): string => `kafka_consumergroup_lag_sum{consumergroup="g",topic="t"} ${value}\n`

  it('follow from their own partitions when these are explained', () => {
    expect(explained([lag(97) + lag(7, 1) + sum(104)], [here(rows)]).at(-1)).toBe(
      'their_partitions: it follows from its own partitions, which are explained',
    )
  })

  it('do not when one of the partitions is not', () => {
    expect(explained([lag(97) + lag(8, 1) + sum(105)], [here(rows)]).at(-1)).toBe('unexplained')
  })

  it('count the records that are gone, also without partitions on the page', () => {
    expect(explained([sum(104)], [here(rows)])).toEqual([
      'their_deleted_records: it counts 47 records before the log start, which are gone',
    ])
    expect(explained([sum(57)], [here(rows)])).toEqual(['equal'])
    expect(explained([sum(58)], [here(rows)])).toEqual(['unexplained'])
  })

  it('of kafka-lag-exporter may be poisoned by NaN', () => {
    const labels = 'cluster_name="c",group="g",topic="t"'
    const text = [
      `kafka_consumergroup_group_lag{${labels},partition="0",member_host="h",consumer_id="i",client_id="x"} NaN`,
      `kafka_consumergroup_group_lag{${labels},partition="1",member_host="h",consumer_id="i",client_id="x"} 7.0`,
      `kafka_consumergroup_group_topic_sum_lag{${labels}} NaN`,
      'kafka_consumergroup_group_max_lag{cluster_name="c",group="g"} NaN',
      '',
    ].join('\n')
    const ours = here([row(undefined, 0, 10, { reason: 'no_position' }), row(3, 0, 10, { partition: 1 })])

    expect(explained([text], [ours])).toEqual([
      'their_no_commit: it shows NaN; here there is no series',
      'equal',
      'their_partitions: it follows from its own partitions, which are explained',
      'their_partitions: it follows from its own partitions, which are explained',
    ])
  })

  it('of Burrow and kminion are held against ours', () => {
    const text = [
      'burrow_kafka_consumer_lag_total{cluster="c",consumer_group="g"} 57',
      'kminion_kafka_consumer_group_topic_lag{group_id="g",topic_name="t"} 57',
      'kminion_kafka_consumer_group_topic_offset_sum{group_id="g",topic_name="t"} 6',
      '',
    ].join('\n')

    expect(explained([text], [here(rows)])).toEqual(['equal', 'equal', 'equal'])
  })
})

describe('what only we show', () => {
  it.each<[string, OurRow, string]>([
    ['no commit', row(undefined, 5, 5, { partition: 1, lag: 0 }), 'missing_there: no commit: it has no series'],
    [
      'another consumer',
      row(3, 0, 10, { consumer: 'other' }),
      'missing_there: the consumer is not on its page: a filter, or it has no live member',
    ],
    ['another topic', row(3, 0, 10, { topic: 'other' }), 'missing_there: the topic is not on its page: a filter'],
    [
      'a kind of consumer that others do not know',
      row(3, 0, 10, { partition: 1, kind: 'share' }),
      'missing_there: it may not know consumers of kind share',
    ],
    [
      'a partition',
      row(3, 0, 10, { partition: 1 }),
      'unexplained: it shows the topic, but not this partition of the consumer',
    ],
  ])('is explained: %s', (_, extra, expected) => {
    expect(explained([lag(7)], [here([row(3, 0, 10), extra])])).toEqual(['equal', expected])
  })

  it('is nothing where we have no lag either', () => {
    const gone = row(30, 0, 10, { partition: 1, reason: 'topic_recreated' })

    expect(explained([lag(7)], [here([row(3, 0, 10), gone])])).toEqual(['equal'])
  })

  it('is nothing when the page has no partitions of consumers', () => {
    const text = 'kminion_kafka_consumer_group_topic_lag{group_id="g",topic_name="t"} 7\n'

    expect(explained([text], [here([row(3, 0, 10), row(3, 0, 3, { topic: 'other' })])])).toEqual(['equal'])
  })
})

describe('consumers under another name', () => {
  const offset = (group: string, value: number): string =>
    `kafka_consumergroup_current_offset{consumergroup="${group}",topic="t",partition="0"} ${value}\n`

  it('are found by their positions', () => {
    const ours = [here([row(3, 0, 10, { consumer: 'dev/orders' })])]

    const { renamed, numbers } = withOurNames([page(offset('flink-orders', 3))], ours)

    expect(renamed.map(({ consumer, why }) => [consumer, why])).toEqual([
      ['dev/orders', 'it is "flink-orders" there, with the same positions'],
    ])
    expect([...compareReadings(numbers, ours)].map(({ difference }) => difference)).toEqual(['equal'])
  })

  it('are not guessed when two fit, when nothing was read, or when positions differ', () => {
    const twins = [here([row(3, 0, 10, { consumer: 'a' }), row(3, 0, 10, { consumer: 'b' })])]
    const fresh = [here([row(0, 0, 10, { consumer: 'a' })])]

    expect(withOurNames([page(offset('x', 3))], twins).renamed).toEqual([])
    expect(withOurNames([page(offset('x', 3) + offset('y', 3))], [here([row(3, 0, 10)])]).renamed).toEqual([])
    expect(withOurNames([page(offset('x', 0))], fresh).renamed).toEqual([])
    expect(withOurNames([page(offset('x', 4))], [here([row(3, 0, 10)])]).renamed).toEqual([])
  })

  it('says so of the group with the empty name', () => {
    const ours = [here([row(3, 0, 10, { consumer: '(empty)' })])]

    const { renamed, numbers } = withOurNames([page(offset('', 3))], ours)

    expect(renamed.map(({ consumer }) => consumer)).toEqual(['(empty)'])
    expect([...compareReadings(numbers, ours)].map(({ difference }) => difference)).toEqual(['equal'])
  })
})

describe('theirNumbers()', () => {
  it('takes one cluster of several, and the largest of what several members left', () => {
    const of = (cluster: string, client: string, value: number): string =>
      `kafka_consumergroup_group_lag{cluster_name="${cluster}",group="g",topic="t",partition="0",client_id="${client}"} ${value}\n`

    const text = of('one', 'x', 5) + of('one', 'y', 9) + of('two', 'x', 100)

    expect([...page(text, 'one').numbers.values()].map(({ value }) => value)).toEqual([9])
    expect(page(text).clusters).toEqual(['one', 'two'])
  })

  it('knows kminion under whatever prefix it was given, and nothing that only looks like it', () => {
    const { numbers } = page(
      'ops_kafka_topic_partition_high_water_mark{topic_name="t",partition_id="0"} 1\n' +
        'kafka_server_kafka_topic_partition_whatever{topic_name="t",partition_id="0"} 1\n',
    )

    expect([...numbers.values()].map(({ exporter, quantity }) => [exporter, quantity])).toEqual([
      ['kminion', 'log_end_offset'],
    ])
  })

  it.each(['', '-1', '1.5', 'x', '99999999999'])('leaves out partition %j and says so', (partition) => {
    const { numbers, unclear } = page(`kafka_topic_partition_current_offset{topic="t",partition="${partition}"} 1\n`)

    expect([numbers.size, unclear]).toEqual([0, ['kafka_topic_partition_current_offset without a usable partition']])
  })
})
