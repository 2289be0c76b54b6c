import { describe, expect, it } from 'vitest'
import type { FakeTopic } from '../fakes/columns.ts'
import { captured, capturedPages, parsePage, truthOf, versions } from '../flink/captured-pages.ts'
import { flinkWorld, jobView, topic } from './flink-world.ts'

/** Ends as Kafka told them after the pages, topic by topic. */
function topicsOf(version: string, moment: string): readonly FakeTopic[] {
  const ends = new Map<string, number[]>()
  for (const [key, end] of Object.entries(truthOf(version, moment).after.end_offsets)) {
    const dash = key.lastIndexOf('-')
    const of = ends.get(key.slice(0, dash)) ?? []
    ends.set(key.slice(0, dash), of)
    of[Number(key.slice(dash + 1))] = end
  }
  return [...ends].map(([name, of]) => topic(name, ...of))
}

/** Every job of the captured pages as a job of the Flink cluster `prod`, by the name on the page. */
function jobsOf(version: string, moment: string) {
  const names = new Map<string, string>()
  for (const { partitions } of capturedPages(version, moment))
    for (const { operator } of partitions) names.set(operator.jobId, operator.jobName.replaceAll(/[^a-z]/g, '_'))
  return [...names].map(([jobId, name]) => jobView({ consumer: `prod/${name}`, jobId, parallelism: new Map() }))
}

type World = ReturnType<typeof flinkWorld>

function show(world: World, version: string, moment: string): void {
  world.topics(topicsOf(version, moment))
  world.jobs(...jobsOf(version, moment))
  for (const [index, page] of capturedPages(version, moment).entries()) world.page(`${moment} ${index}`, page)
}

function worldAt(version: string, moment: string, more: Parameters<typeof flinkWorld>[1] = {}): World {
  const world = flinkWorld([], more)
  show(world, version, moment)
  return world
}

/** Rows of one job, by topic and partition. */
function of(rows: Readonly<Record<string, string>>, job: string): Record<string, string> {
  const prefix = `prod/${job} `
  return Object.fromEntries(
    Object.entries(rows).flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [])),
  )
}

const hasSource = (version: string): boolean => Number(version.split('.')[1]) >= 14 || version.startsWith('2')

describe('lag of captured Flink jobs', () => {
  it.each<[string, number]>([
    ['1.11.4', 40000 - 6169 + (20000 - 3193)],
    ['1.12.5', 40000 - 5325 + (20000 - 3383)],
    ['1.13.6', 40000 - 4676 + (20000 - 4084)],
    ['1.14.6', 40000 - 6930 + (20000 - 1119)],
    ['1.16.3', 40000 - 4903 + (20000 - 3146)],
    ['1.18.1', 40000 - 5086 + (20000 - 2963)],
    ['1.20.5', 51_951],
    ['2.2.1', 40000 - 7004 + (20000 - 1045)],
  ])('is right to the record for the slow one on %s', async (version, lag) => {
    const { totals } = await worldAt(version, '03-backpressure-75s').cycle()

    expect(totals['prod/slow_orders']).toBe(lag)
  })

  it.each(versions)('is right to the record for the one that stands still on %s', async (version) => {
    const { rows, totals } = await worldAt(version, '03-backpressure-75s', { noPosition: 'start' }).cycle()

    // KafkaSource counts the record that is being worked on; and of a partition of which no record came it says nothing.
    if (hasSource(version)) {
      expect(of(rows, 'stuck')).toEqual({ 'pay.events/0': '299', 'pay.events/1': '- no_position' })
      expect(totals['prod/stuck']).toBe(399)
    } else {
      expect(of(rows, 'stuck')).toEqual({ 'pay.events/0': '300', 'pay.events/1': '100' })
      expect(totals['prod/stuck']).toBe(400)
    }
  })

  it('of the one that stands still leaves the partition without a position out of the sum, unless told otherwise', async () => {
    expect((await worldAt('1.20.5', '03-backpressure-75s').cycle()).totals['prod/stuck']).toBe(299)
    expect((await worldAt('1.20.5', '03-backpressure-75s', { noPosition: 'void' }).cycle()).totals).not.toHaveProperty(
      'prod/stuck',
      expect.any(Number),
    )
  })

  it.each(versions.filter((version) => version !== '2.2.1'))(
    'of a legacy consumer on %s is of the topic that its HELP lines name, though another one looks the same',
    async (version) => {
      const { rows, totals } = await worldAt(version, '03-backpressure-75s').cycle()

      expect(of(rows, 'legacy_consumer')).toEqual({
        'idle-topic.v1/0': '0',
        'idle-topic.v1/1': '0',
        'ods.orders-v1/0': '0',
        'ods.orders-v1/1': '0',
        'ods.orders-v1/2': '0',
      })
      expect(totals['prod/legacy_consumer']).toBe(0)
    },
  )

  it.each(versions.filter(hasSource))(
    'of a KafkaSource on %s whose topic looks like another one is no guess',
    async (version) => {
      const { rows, totals } = await worldAt(version, '02-running').cycle()

      const found = of(rows, 'orders_etl_v_')
      expect(Object.keys(found).length).toBeGreaterThan(3)
      expect([...new Set(Object.values(found))]).toEqual(['- ambiguous_topic'])
      expect(totals['prod/orders_etl_v_']).toBeUndefined()
    },
  )

  it.each(versions)('is known with unfiltered labels on %s', async (version) => {
    const { rows } = await worldAt(version, '06-unfiltered-labels').cycle()

    const etl = of(rows, 'orders_etl_v_')
    expect(Object.keys(etl)).toEqual(['ods.orders-v1/0', 'ods.orders-v1/1', 'ods.orders-v1/2'])
    for (const value of Object.values(etl)) expect(value).not.toContain('ambiguous')
  })

  it.each(versions)('is never less or more than Kafka allows, at any moment, on %s', async (version) => {
    for (const moment of [
      '01-before-first-record',
      '02-running',
      '03-backpressure-75s',
      '05-after-restart',
      '06-unfiltered-labels',
    ]) {
      const { rows } = await worldAt(version, moment).cycle()
      const { before, after } = truthOf(version, moment)
      expect(Object.keys(rows).length).toBeGreaterThan(0)
      for (const [key, value] of Object.entries(rows)) {
        const [job = '', where = ''] = key.split(' ')
        const [name = '', partition = ''] = where.split('/')
        if (value.startsWith('-') || job.endsWith('slow_orders') || job.endsWith('stuck')) continue
        const end = after.end_offsets[`${name}-${partition}`] ?? Number.NaN
        const moved = end - (before.end_offsets[`${name}-${partition}`] ?? Number.NaN)
        // All others had read what there was, but for records of the last moment.
        expect(Number(value), `${version} ${moment} ${key}`).toBeLessThanOrEqual(moved + 5)
      }
    }
  })

  it('after a restart is by what was committed since, else the earlier row, else unknown', async () => {
    const twinless = (moment: string) => topicsOf('1.20.5', moment).filter(({ name }) => name !== 'ods_orders_v1')
    const world = worldAt('1.20.5', '03-backpressure-75s')
    world.topics(twinless('03-backpressure-75s'))
    expect(of((await world.cycle()).rows, 'dup_disconnected')).toEqual({ 'pay.events/0': '0', 'pay.events/1': '0' })
    for (const index of [0, 1]) world.forget(`03-backpressure-75s ${index}`)
    world.pass(33_000)

    show(world, '1.20.5', '05-after-restart')
    world.topics(twinless('05-after-restart'))
    const { rows } = await world.cycle()
    world.pass(91_000)
    show(world, '1.20.5', '05-after-restart')
    world.topics(twinless('05-after-restart'))
    const later = await world.cycle()

    // Its current gauges say -1, and its committed gauges where it is.
    const etl = { 'ods.orders-v1/0': '0', 'ods.orders-v1/1': '0', 'ods.orders-v1/2': '0' }
    expect(of(rows, 'orders_etl_v_')).toEqual(etl)
    expect(of(later.rows, 'orders_etl_v_')).toEqual(etl)
    // It has not committed yet: without its group, only the earlier row is left, for a time.
    expect(of(rows, 'dup_disconnected')).toEqual({ 'pay.events/0': '0 stale held', 'pay.events/1': '0 stale held' })
    expect(of(later.rows, 'dup_disconnected')).toEqual({
      'pay.events/0': '- no_position',
      'pay.events/1': '- no_position',
    })
    expect(of(rows, 'legacy_consumer')).toMatchObject(etl)
    expect(of(rows, 'stuck')).toEqual({ 'pay.events/0': '299', 'pay.events/1': '- no_position' })
    expect(of(rows, 'slow_orders')).toEqual({ 'load.big-v1/0': '34826', 'load.big-v1/1': '17336 stale held' })
  })

  it('of two topics that look the same is ambiguous when they are filtered, and known when they are not', async () => {
    const page = (name: string) => parsePage(captured(`1.20.5-collision/filter-${name}`))
    const world = flinkWorld([topic('col.a-v1', 11), topic('col_a_v1', 22)])
    const view = (name: string) => jobView({ jobId: page(name).partitions[0]!.operator.jobId, parallelism: new Map() })

    world.jobs(view('true'))
    world.page('tm', page('true'))
    expect((await world.cycle()).rows).toEqual({ 'col.a-v1/0': '- ambiguous_topic', 'col_a_v1/0': '- ambiguous_topic' })

    world.jobs(view('false'))
    world.page('tm', page('false'))
    const { rows } = await world.cycle()
    expect(rows).toEqual({ 'col.a-v1/0': '0', 'col_a_v1/0': '0' })
  })
})
