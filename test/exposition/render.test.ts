import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lagFamilies } from '../../src/exposition/families.ts'
import { type RenderOptions, render } from '../../src/exposition/render.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { type FakeRow, fakeParts, fakeSnapshot } from '../fakes/snapshot.ts'
import { syntheticSnapshot } from '../fakes/synthetic-snapshot.ts'
import { parsePage } from './parse-page.ts'

function pageOf(snapshots: readonly Snapshot[], options: RenderOptions = {}): Buffer {
  return Buffer.concat([...render(snapshots, options)])
}

function group(name: string): Consumer {
  return { name, kind: 'classic', group: name }
}

function row(consumer: Consumer, topic: string, partition: number, position = 1n): FakeRow {
  return { consumer, topic, partition, position, start: 0n, end: 10n }
}

describe('render()', () => {
  const [a, b] = [group('a'), group('b')]
  const all = [row(a, 't1', 0), row(a, 't2', 0), row(b, 't1', 0), row(b, 't3', 0)]

  it('prints the same bytes in whatever order the brokers answered', () => {
    const whole = fakeSnapshot(all)

    const split = fakeParts(whole, [[all[3]!], [all[1]!, all[2]!], [all[0]!]])

    expect(pageOf([split]).equals(pageOf([whole]))).toBe(true)
  })

  it('keeps the same order and label text when only values change', () => {
    const later = fakeSnapshot(all.map((one) => ({ ...one, position: 7n })))
    const withoutValues = (page: Buffer): string => page.toString().replace(/ \d+$/gm, '')

    expect(withoutValues(pageOf([later]))).toBe(withoutValues(pageOf([fakeSnapshot(all)])))
  })

  it('prints HELP and TYPE once per family and clusters by name, with several snapshots', () => {
    const second = fakeSnapshot([row(a, 't1', 0)], { kafkaCluster: 'aux' })

    const samples = parsePage(pageOf([fakeSnapshot(all), second]))

    const clusters = samples.filter(({ name }) => name === 'stream_consumer_records_lag')
    expect(clusters.map(({ labels }) => labels['kafka_cluster'])).toEqual(['aux', 'main', 'main', 'main', 'main'])
  })

  it('adds up the blocks of two sources that share a topic, so that no series comes twice', () => {
    const whole = fakeSnapshot([row(a, 't1', 0), row(a, 't1', 1)])
    const split = fakeParts(whole, [[row(a, 't1', 1)], [row(a, 't1', 0)]])

    const samples = parsePage(pageOf([split])).filter(({ name }) => name.includes('topic_records_lag'))

    expect(samples.map(({ value }) => value)).toEqual(['18'])
  })

  it('leaves out the families that are switched off', () => {
    const families = new Set(['stream_consumer_present'])

    expect(pageOf([fakeSnapshot(all)], { families }).toString()).toBe(
      '# HELP stream_consumer_present 1 while the consumer is there, 0 for 24 hours after it has gone.\n' +
        '# TYPE stream_consumer_present gauge\n' +
        'stream_consumer_present{kafka_cluster="main",consumer="a"} 1\n' +
        'stream_consumer_present{kafka_cluster="main",consumer="b"} 1\n',
    )
  })

  it('counts the series of each family as it prints them', () => {
    const counts = new Map<string, number>()

    const page = pageOf([fakeSnapshot(all)], { onSeries: (_, family, count) => counts.set(family, count) })

    const samples = parsePage(page)
    for (const { name } of Object.values(lagFamilies))
      expect([name, counts.get(name) ?? 0]).toEqual([name, samples.filter((sample) => sample.name === name).length])
  })

  it('prints no position for a share group, whose batch holds the lag', () => {
    const snapshot = fakeSnapshot([row(a, 't1', 0)])
    const [part] = snapshot.parts
    const shared = { ...snapshot, parts: [{ ...part!, batch: { ...part!.batch, holds: 'lag' as const } }] }

    expect(pageOf([shared]).toString()).not.toContain('stream_consumer_position{')
  })

  it('cuts a line that is longer than a chunk into chunks', () => {
    const long = group('x'.repeat(600_000))

    const chunks = [...render([fakeSnapshot([row(long, 't1', 0)])])]

    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(256 * 1024)
    expect(parsePage(Buffer.concat(chunks))[0]?.labels['consumer']).toBe(long.name)
  })

  it.each([
    { consumers: 65_000, topicsPerConsumer: 1, partitions: 2, topics: 2000 },
    { consumers: 50, topicsPerConsumer: 1000, partitions: 4, topics: 1000 },
  ])('takes a small step at a time for %o', (size) => {
    const snapshot = syntheticSnapshot(size)
    // A step may be empty: then it sorted. Time is for the benchmark to judge.
    const steps = [...render([snapshot])].map((chunk) => chunk.length)

    expect(Math.max(...steps)).toBeLessThanOrEqual(256 * 1024)
    expect(steps.length).toBeGreaterThan(50)
  })

  it('gives back every lag and position to a reader of the format, whatever the names', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 })
    const offset = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
    const rows = fc.uniqueArray(
      fc.record({ consumer: name, topic: name, partition: fc.nat(3), a: offset, b: offset, position: offset }),
      { minLength: 1, maxLength: 12, selector: (one) => JSON.stringify([one.consumer, one.topic, one.partition]) },
    )
    fc.assert(
      fc.property(rows, (drawn) => {
        const snapshot = fakeSnapshot(toRows(drawn))

        const samples = parsePage(pageOf([snapshot]))

        const printed = samples
          .filter((sample) => sample.name === 'stream_consumer_records_lag')
          .map(({ labels, value }) => [labels['consumer'], labels['topic'], labels['partition'], Number(value)])
        const wanted = [...lagRows(snapshot)].map((one) => [
          one.consumer,
          one.topic,
          String(one.partition),
          Number(one.recordsLag),
        ])
        expect(printed.map(String).sort()).toEqual(wanted.map(String).sort())
        expect(samples.filter((sample) => sample.name === 'stream_consumer_position')).toHaveLength(wanted.length)
      }),
    )
  })
})

interface Drawn {
  readonly consumer: string
  readonly topic: string
  readonly partition: number
  readonly a: bigint
  readonly b: bigint
  readonly position: bigint
}

/** Rows with blocks together, and log offsets that are the same for every consumer of a partition. */
function toRows(drawn: readonly Drawn[]): FakeRow[] {
  const consumers = new Map<string, Consumer>()
  const logs = new Map<string, { start: bigint; end: bigint }>()
  return drawn
    .toSorted((x, y) => {
      const [one, other] = [x, y].map(({ consumer, topic }) => JSON.stringify([consumer, topic]))
      return one! < other! ? -1 : one! > other! ? 1 : x.partition - y.partition
    })
    .map(({ consumer, topic, partition, a, b, position }) => {
      const known = consumers.get(consumer) ?? group(consumer)
      consumers.set(consumer, known)
      const key = JSON.stringify([topic, partition])
      const log = logs.get(key) ?? { start: a < b ? a : b, end: a < b ? b : a }
      logs.set(key, log)
      return { consumer: known, topic, partition, ...log, position: position < log.end ? position : log.end }
    })
}
