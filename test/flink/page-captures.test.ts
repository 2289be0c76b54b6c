import { describe, expect, it } from 'vitest'
import type { PartitionReading } from '../../src/flink/flink-page.ts'
import { captured, capturedPages, moments, parsePage, truthOf, versions } from './captured-pages.ts'

/** Which gauge gives which next offset; undefined where the value says that it is not known. */
const nextOffset = {
  source: {
    current: (value: number) => (value < 0 ? undefined : value + 1),
    committed: (value: number) => (value < 0 ? undefined : value),
  },
  // -1 is the last record of a position 0; what is below are the words for "not known yet".
  legacy: {
    current: (value: number) => (value < -1 ? undefined : value + 1),
    committed: (value: number) => (value < 0 ? undefined : value),
  },
} as const

/** The topics that the jobs of the captures read; one more exists that the filter makes the same. */
const topics = ['ods.orders-v1', 'pay.events', 'load.big-v1', 'idle-topic.v1']
const topicOf = new Map(topics.flatMap((topic) => [topic, topic.replaceAll(/[.-]/g, '_')].map((name) => [name, topic])))
/** Which group each of the jobs commits to. */
const groups: Readonly<Record<string, string>> = {
  orders_etl_v1: 'etl-orders',
  'orders.etl-v1': 'etl-orders',
  dup_disconnected: 'dup',
  'dup+disconnected': 'dup',
  legacy_consumer: 'legacy',
}
/** Next offsets of the job that is held up and of the one that stands still, at 75 s, from the captured lines by hand. */
const heldUp: Readonly<Record<string, readonly (number | undefined)[]>> = {
  '1.11.4': [6169, 3193, 0, 0],
  '1.12.5': [5325, 3383, 0, 0],
  '1.13.6': [4676, 4084, 0, 0],
  '1.14.6': [6930, 1119, 1, undefined],
  '1.16.3': [4903, 3146, 1, undefined],
  '1.18.1': [5086, 2963, 1, undefined],
  '1.20.5': [5385, 2664, 1, undefined],
  '2.2.1': [7004, 1045, 1, undefined],
}
const isHeldUp = (job: string): boolean => job === 'slow_orders' || job === 'stuck'

function nextOf({ generation, current, committed }: PartitionReading) {
  return {
    current: current === undefined ? undefined : nextOffset[generation].current(current),
    committed: committed === undefined ? undefined : nextOffset[generation].committed(committed),
  }
}

const everyCapture = versions.flatMap((version) => moments.map((moment) => [version, moment] as const))

describe('the parser of pages, on every page that was captured', () => {
  it.each(everyCapture)('gives positions of %s, %s that Kafka agrees with', (version, moment) => {
    const { before, after } = truthOf(version, moment)
    const pages = capturedPages(version, moment)

    for (const page of pages) {
      expect(page.badLines).toBe(0)
      expect(page.tmId).toMatch(version === '1.11.4' ? /^[0-9a-f]{32}$/ : /^127[._]0[._]0[._]1:\d+[-_][0-9a-f]{6}$/)
    }
    const readings = pages.flatMap(({ partitions }) => partitions)
    if (moment !== '04-tm-killed-unnoticed') expect(readings.length).toBeGreaterThan(0)
    for (const reading of readings) {
      const { operator, partition } = reading
      const key = `${topicOf.get(reading.topic)}-${partition}`
      const { current, committed } = nextOf(reading)
      const end = after.end_offsets[key] ?? Number.NaN
      expect(reading.current).toBeDefined()
      expect(reading.committed).toBeDefined()
      expect(current ?? 0).toBeLessThanOrEqual(end)
      expect(committed ?? 0).toBeLessThanOrEqual(end)

      // Whoever reads freely has read what was there a second ago, but for a few records.
      if (!isHeldUp(operator.jobName) && current !== undefined)
        expect(current).toBeGreaterThanOrEqual((before.end_offsets[key] ?? Number.NaN) - 5)
      const group = groups[operator.jobName]
      if (group !== undefined && committed !== undefined) {
        const known = after.groups[group]?.[key]
        expect(known).toBeTypeOf('number')
        if (moment !== '02-running') expect(committed).toBe(known)
        else expect(committed).toBeLessThanOrEqual(Number(known))
      }
    }
  })

  it.each(versions)('gives the true lag of %s where Flink itself has none or a wrong one', (version) => {
    const pages = capturedPages(version, '03-backpressure-75s')
    const readings = pages.flatMap(({ partitions }) => partitions)
    const next = (job: string, partition: number) => {
      const found = readings.filter((one) => one.operator.jobName === job && one.partition === partition)
      expect(found).toHaveLength(1)
      return nextOf(found[0]!).current
    }

    expect([next('slow_orders', 0), next('slow_orders', 1), next('stuck', 0), next('stuck', 1)]).toEqual(
      heldUp[version],
    )
    for (const { operator, backPressure = 0, pendingRecords = 0 } of pages.flatMap(({ operators }) => operators)) {
      if (operator.jobName === 'slow_orders') expect(backPressure).toBeGreaterThan(0.9)
      if (operator.jobName === 'stuck') expect(pendingRecords).toBe(0)
    }
  })

  it.each([
    ['1.11.4', 'idle_topic_v1,load_big_v1,ods_orders_v1,pay_events'],
    ['1.20.5', 'idle_topic_v1,ods_orders_v1'],
    ['2.2.1', ''],
  ])('finds the true names of topics on the pages of %s where a legacy consumer runs', (version, expected) => {
    const names = new Map(capturedPages(version, '02-running').flatMap(({ topicNames }) => [...topicNames]))

    expect([...names.keys()].sort().join()).toBe(expected)
    for (const [shown, topicsBehind] of names) expect([...topicsBehind]).toEqual([topicOf.get(shown)])
  })

  it.each(versions)('tells whether the labels of %s are as they are', (version) => {
    const [filtered, raw] = ['02-running', '06-unfiltered-labels'].map((moment) => capturedPages(version, moment))

    expect(filtered?.map(({ hasTrueLabels }) => hasTrueLabels)).toEqual([undefined, undefined])
    for (const { partitions, hasTrueLabels } of raw ?? [])
      expect(hasTrueLabels).toBe(partitions.length > 0 ? true : undefined)
  })

  it('shows a topic once whose name the filter makes the same as that of another', () => {
    const topicsOf = (filter: boolean) =>
      parsePage(captured(`1.20.5-collision/filter-${filter}`)).partitions.map(({ topic, current }) => [topic, current])

    expect(topicsOf(true)).toEqual([['col_a_v1', 10]])
    expect(Object.fromEntries(topicsOf(false))).toEqual({ 'col.a-v1': 10, col_a_v1: 21 })
  })

  it.each([
    '1.11.4/02-running/taskmanager-2',
    '1.13.6/02-running/taskmanager-1',
    '1.20.5/03-backpressure-75s/taskmanager-1',
    '2.2.1/02-running/taskmanager-1',
  ])('reads of the whole page of %s what it reads of ours alone', (path) => {
    const { bytes: _, ...whole } = parsePage(captured(`${path}-full`))
    const { bytes: __, ...trimmed } = parsePage(captured(path))

    expect(whole.partitions.length).toBeGreaterThan(6)
    expect(whole).toEqual(trimmed)
  })

  it.each(versions)('finds nothing on the page of the JobManager of %s', (version) => {
    const page = parsePage(captured(`${version}/02-running/jobmanager`))

    expect(page).toMatchObject({ partitions: [], operators: [], badLines: 0 })
    expect(page.tmId).toBeUndefined()
  })
})
