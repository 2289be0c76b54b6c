import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPage, type Page } from '../../src/http/page.ts'
import { reasonCode } from '../../src/model/reason.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { syntheticSnapshot } from '../fakes/synthetic-snapshot.ts'

/** One thing that two snapshots of one cluster may differ in. `at` picks where. */
const changes: Readonly<Record<string, (snapshot: Mutable, at: number) => void>> = {
  nothing: () => undefined,
  position: ({ part }, at) => {
    part.batch.value[(at % part.lag.length) * 2]! += 1
  },
  'high word of a position': ({ part }, at) => {
    part.batch.value[(at % part.lag.length) * 2 + 1]! += 1
  },
  lag: ({ part }, at) => {
    part.lag[at % part.lag.length]! += 1
  },
  partition: ({ part }, at) => {
    part.batch.partition[at % part.lag.length]! += 1_000
  },
  'reason of a row': ({ part }, at) => {
    part.reason[at % part.lag.length] = reasonCode('timeout')
  },
  'reason of a position': ({ part }, at) => {
    part.batch.reason[at % part.lag.length] = reasonCode('no_position')
  },
  sum: ({ part }, at) => {
    part.blockLag[at % part.blockLag.length]! += 1
  },
  'sum that is not whole': ({ part }, at) => {
    part.blockComplete[at % part.blockLag.length] = 0
  },
  'kind of value': ({ part }) => void Object.assign(part.batch, { holds: 'lag' }),
  'held row': ({ part }, at) => {
    const row = at % part.lag.length
    part.reason[row] = reasonCode('timeout')
    const two = () => Uint32Array.of(7, 0)
    const held = { row: Uint32Array.of(row), position: two(), start: two(), end: two(), lag: Float64Array.of(5) }
    Object.assign(part, { held: { ...held, positioned: Uint8Array.of(1), takenAt: Float64Array.of(1) } })
  },
  consumer: ({ snapshot, part }, at) => {
    const index = at % part.batch.consumers.length
    const name = `${part.batch.consumers[index]!.name}-2`
    const renamed = part.batch.consumers.map((one, other) => (other === index ? { ...one, name } : one))
    Object.assign(part.batch, { consumers: renamed })
    Object.assign(snapshot, { consumers: renamed.map((consumer) => ({ consumer, present: true })) })
  },
  topic: ({ part }, at) => {
    const index = at % part.batch.topics.length
    const topics = part.batch.topics.map((one, other) => (other === index ? { ...one, name: `${one.name}-2` } : one))
    Object.assign(part.batch, { topics })
  },
  'block that is gone': ({ part }) => {
    const { batch } = part
    Object.assign(batch, { blockConsumer: batch.blockConsumer.slice(1), blockTopic: batch.blockTopic.slice(1) })
    Object.assign(batch, { blockFirst: batch.blockFirst.slice(1) })
    Object.assign(part, { blockLag: part.blockLag.slice(1), blockComplete: part.blockComplete.slice(1) })
  },
  'log end': ({ snapshot }, at) => {
    snapshot.ends.offset[(at % snapshot.catalog.rows) * 2]! += 1
  },
  'unknown log start': ({ snapshot }, at) => {
    snapshot.starts.reason[at % snapshot.catalog.rows] = 3
  },
  'topic of the cluster': ({ snapshot }, at) => {
    const { topics } = snapshot.catalog
    const renamed = topics.map((one, other) => (other === at % topics.length ? { ...one, name: `${one.name}-2` } : one))
    Object.assign(snapshot, { catalog: { ...snapshot.catalog, topics: renamed } })
  },
  'lost records': ({ snapshot, part }, at) => {
    const block = at % part.blockLag.length
    const consumer = part.batch.consumers[part.batch.blockConsumer[block]!]!.name
    const topic = part.batch.topics[part.batch.blockTopic[block]!]!.name
    Object.assign(snapshot, { lost: new Map([[consumer, new Map([[topic, 5]])]]) })
  },
  'state of a group': ({ snapshot }, at) => {
    const consumers = snapshot.consumers.map((one, index) =>
      index === at % snapshot.consumers.length ? { ...one, consumer: { ...one.consumer, state: 'Empty' } } : one,
    )
    Object.assign(snapshot, { consumers })
  },
}

interface Mutable {
  readonly snapshot: Snapshot
  readonly part: Snapshot['parts'][number]
}

function base(): Snapshot {
  // More than two slices of blocks and of topics.
  const snapshot = syntheticSnapshot({ consumers: 200, topicsPerConsumer: 3, partitions: 2, topics: 600 })
  return { ...snapshot, lost: new Map() }
}

function changed(names: readonly string[], at: number): Snapshot {
  const snapshot = { ...structuredClone(base()), cycle: 2 }
  for (const name of names) changes[name]?.({ snapshot, part: snapshot.parts[0]! }, at)
  return snapshot
}

async function textOf(page: Page, snapshot: Snapshot): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of page.gzip([snapshot])) pieces.push(piece)
  // Also checks the checksum and the length.
  return gunzipSync(Buffer.concat(pieces)).toString()
}

describe('a page after another', () => {
  const newPage = (): Page => createPage({ selfMetrics: async () => 'own 1\n' })

  it.each(Object.keys(changes))('is the page that it would be without it, with another %s', async (name) => {
    for (const at of [0, 1_199]) {
      const page = newPage()
      const first = await textOf(page, base())
      const second = await textOf(page, changed([name], at))

      expect(second).toBe(await textOf(newPage(), changed([name], at)))
      expect(second === first).toBe(name === 'nothing')
    }
  })

  it('is so with any changes at once, page after page', async () => {
    const steps = fc.array(fc.tuple(fc.subarray(Object.keys(changes), { maxLength: 3 }), fc.nat(1_199)), {
      minLength: 1,
      maxLength: 4,
    })
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const page = newPage()
        await textOf(page, base())
        for (const [index, [names, at]] of all.entries()) {
          const snapshot = { ...changed(names, at), cycle: 2 + index }
          expect(await textOf(page, snapshot)).toBe(await textOf(newPage(), snapshot))
        }
      }),
      { numRuns: 8 },
    )
  })

  it('is so too when the page before has been forgotten', async () => {
    const page = newPage()
    await textOf(page, base())
    const later = { ...changed(['position'], 0), takenAt: base().takenAt + 400_000 }
    page.prepare({ ...later, kafkaCluster: 'another' })

    expect(await textOf(page, later)).toBe(await textOf(newPage(), later))
  })

  it('counts the series that it did not write again', async () => {
    const page = newPage()
    await textOf(page, base())
    const first = page.series()
    await textOf(page, changed(['nothing'], 0))

    expect(page.series()).toEqual(first)
    expect(first.find(({ family }) => family === 'stream_consumer_records_lag')?.count).toBe(1_200)
  })
})
