import { describe, expect, it } from 'vitest'
import { type Counts, compare } from '../../bench/conformance/compare.ts'
import { nameSets, readPrinted } from '../../bench/conformance/name-sets.ts'
import { parsePage } from '../../bench/conformance/page.ts'
import { type TruthRow, truthOf } from '../../bench/conformance/truth.ts'

const end = (topic: string, partition: number, beginning: bigint, last: bigint, stableEnd = last) => ({
  topic,
  partition,
  beginning,
  end: last,
  stableEnd,
})
const commit = (group: string, topic: string, partition: number, offset: bigint) => ({
  group,
  topic,
  partition,
  offset,
})

const truth = truthOf(
  {
    ends: [end('orders', 0, 0n, 100n), end('orders', 1, 0n, 50n), end('orders', 2, 0n, 7n), end('orders', 3, 0n, 0n)],
    committed: [
      commit('billing', 'orders', 0, 57n),
      commit('billing', 'orders', 1, 50n),
      commit('new\nline "\\', 'orders', 0, 57n),
      commit('', 'orders', 0, 57n),
      commit('beyond', 'orders', 0, 190n),
      commit('beyond', 'orders', 2, 3n),
      commit('left', 'gone', 0, 3n),
    ],
  },
  [{ group: 'live', topic: 'orders' }],
)

/** What Lagkeeper prints, to plant faults into. */
const goodPage = `# HELP stream_consumer_records_lag Records.
# TYPE stream_consumer_records_lag gauge
stream_consumer_records_lag{kafka_cluster="c",consumer="(empty)",topic="orders",partition="0"} 43
stream_consumer_records_lag{kafka_cluster="c",consumer="beyond",topic="orders",partition="2"} 4
stream_consumer_records_lag{kafka_cluster="c",consumer="billing",topic="orders",partition="0"} 43
stream_consumer_records_lag{kafka_cluster="c",consumer="billing",topic="orders",partition="1"} 0
stream_consumer_records_lag{kafka_cluster="c",consumer="live",topic="orders",partition="3"} 0
stream_consumer_records_lag{kafka_cluster="c",consumer="new\\nline \\"\\\\",topic="orders",partition="0"} 43
stream_consumer_topic_records_lag{kafka_cluster="c",consumer="billing",topic="orders"} 43
stream_consumer_total_records_lag{kafka_cluster="c",consumer="billing"} 43
stream_consumer_total_records_lag{kafka_cluster="c",consumer="live"} 0
stream_consumer_partitions{kafka_cluster="c",consumer="beyond",topic="orders",state="known"} 1
stream_consumer_partitions{kafka_cluster="c",consumer="beyond",topic="orders",state="position_beyond_end"} 1
stream_consumer_partitions{kafka_cluster="c",consumer="left",topic="gone",state="topic_deleted"} 1
stream_consumer_partitions{kafka_cluster="c",consumer="live",topic="orders",state="no_position"} 3
`

const clean: Counts = {
  committed: 7,
  right: 7,
  wrong: 0,
  missing: 0,
  explained: 0,
  negative: 0,
  madeUp: 0,
  duplicates: 0,
  wrongSums: 0,
}

function countsOf(page: string, names = 'lagkeeper', rows: readonly TruthRow[] = truth): Counts {
  const set = nameSets[names]
  if (set === undefined) throw new Error(`no name set "${names}"`)
  return compare(rows, readPrinted(parsePage(page), set)).counts
}

const billing = 'consumer="billing",topic="orders",partition="0"} 43'
const line = `stream_consumer_records_lag{kafka_cluster="c",${billing}\n`

describe('the comparer of the conformance kit', () => {
  it('finds nothing on a page that is right', () => {
    expect(countsOf(goodPage)).toEqual(clean)
  })

  it.each([
    ['a value that is one too high', billing.replace(' 43', ' 44'), { right: 6, wrong: 1 }],
    ['a value that is negative', billing.replace(' 43', ' -43'), { right: 6, negative: 1 }],
    ['a value that is no number', billing.replace(' 43', ' NaN'), { right: 6, wrong: 1 }],
    ['a group with another name', billing.replace('billing', 'invoicing'), { right: 6, missing: 1, madeUp: 1 }],
  ])('finds %s', (_, planted, differing) => {
    expect(goodPage).toContain(billing)
    expect(countsOf(goodPage.replace(billing, planted))).toEqual({ ...clean, ...differing })
  })

  it('finds a line that is missing, and one that stands there twice', () => {
    expect(countsOf(goodPage.replace(line, ''))).toEqual({ ...clean, right: 6, missing: 1 })
    expect(countsOf(goodPage.replace(line, line + line))).toEqual({ ...clean, duplicates: 1 })
  })

  it('finds zeros for what nobody committed, for a commit past the end and for a deleted topic', () => {
    const zero = (consumer: string, topic: string, partition: number): string =>
      `stream_consumer_records_lag{kafka_cluster="c",consumer="${consumer}",topic="${topic}",partition="${partition}"} 0\n`

    expect(countsOf(goodPage + zero('billing', 'orders', 2))).toEqual({ ...clean, madeUp: 1 })
    expect(countsOf(goodPage + zero('beyond', 'orders', 0))).toEqual({ ...clean, right: 6, wrong: 1 })
    expect(countsOf(goodPage + zero('left', 'gone', 0))).toEqual({ ...clean, right: 6, wrong: 1 })
  })

  it('finds a sum that leaves out what is not known, and one that adds up wrongly', () => {
    const understated = 'stream_consumer_total_records_lag{kafka_cluster="c",consumer="beyond"} 4\n'

    expect(countsOf(goodPage + understated)).toEqual({ ...clean, wrongSums: 1 })
    expect(countsOf(goodPage.replace('topic="orders"} 43', 'topic="orders"} 42'))).toEqual({ ...clean, wrongSums: 1 })
  })

  it('takes a reason for a reason only when there are as many as partitions without a number', () => {
    const oneLess = goodPage.replace('state="position_beyond_end"} 1', 'state="position_beyond_end"} 0')
    const another = goodPage.replace('state="position_beyond_end"', 'state="no_position"')
    const held = goodPage
      .replace(line, '')
      .concat('stream_consumer_partitions{kafka_cluster="c",consumer="billing",topic="orders",state="read_failed"} 1\n')

    expect(countsOf(oneLess)).toEqual({ ...clean, right: 6, missing: 1 })
    expect(countsOf(another)).toEqual({ ...clean, right: 6, missing: 1 })
    expect(countsOf(held)).toEqual({ ...clean, right: 6, explained: 1 })
  })

  it('reads the page of another exporter, which prints -1 and negatives and has no reasons', () => {
    const lags = [
      ['billing', 'orders', 0, 43],
      ['billing', 'orders', 1, 0],
      ['billing', 'orders', 2, -1],
      ['new\\nline \\"\\\\', 'orders', 0, 43],
      ['beyond', 'orders', 0, -90],
      ['beyond', 'orders', 2, '4e+00'],
    ]
    const page = lags
      .map(
        ([group, topic, partition, lag]) =>
          `kafka_consumergroup_lag{consumergroup="${group}",partition="${partition}",topic="${topic}"} ${lag}\n`,
      )
      .join('')
    const sum = 'kafka_consumergroup_lag_sum{consumergroup="beyond",topic="orders"} -86\n'

    expect(countsOf(page + sum, 'kafka_exporter')).toEqual({
      ...clean,
      right: 4,
      missing: 2,
      negative: 2,
      wrongSums: 1,
    })
  })
})

describe('the truth', () => {
  it('has below the log start what is still there and the difference of offsets, and before an open end both ends', () => {
    const rows = truthOf({
      ends: [end('trimmed', 0, 60n, 80n), end('open', 0, 0n, 9n, 5n)],
      committed: [commit('g', 'trimmed', 0, 20n), commit('g', 'open', 0, 2n)],
    })

    expect(rows.map(({ topic, lags }) => [topic, lags])).toEqual([
      ['trimmed', [20n, 60n]],
      ['open', [7n, 3n]],
    ])
  })

  it('has a row for each partition without a commit, and of nothing else', () => {
    const uncommitted = truth.filter(({ isCommitted }) => !isCommitted)

    expect(
      uncommitted.filter(({ group }) => group === 'billing').map(({ partition, lags }) => [partition, lags]),
    ).toEqual([
      [2, []],
      [3, [0n]],
    ])
    expect(uncommitted.filter(({ group }) => group === 'live')).toHaveLength(4)
    expect(uncommitted.filter(({ group }) => group === 'left')).toEqual([])
  })
})
