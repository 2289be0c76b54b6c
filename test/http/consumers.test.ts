import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { consumersRoute } from '../../src/http/consumers.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { ask, textOf } from '../fakes/http.ts'
import { type FakeRow, fakeParts, fakeSnapshot } from '../fakes/snapshot.ts'

interface Row {
  readonly kafka_cluster: string
  readonly consumer: string
  readonly topic: string
  readonly partition: number
}

interface Answer {
  readonly rows: readonly Row[]
  readonly problems: readonly { readonly message: string }[]
  readonly next: string
}

function consumer(name: string): Consumer {
  return { name, kind: 'classic', group: name }
}

const [a, b] = [consumer('a'), consumer('b')]

function row(of: Consumer, topic: string, partition: number): FakeRow {
  return { consumer: of, topic, partition, position: 1n, start: 0n, end: 5n }
}

const rows = [row(b, 't1', 0), row(a, 't1', 0), row(a, 't1', 1), row(a, 't2', 0), row(a, 't2', 7)]
const problems = [
  { reason: 'timeout', message: 'broker 3 is silent', broker: '3' },
  { reason: 'unauthorized', message: 'group b', consumer: 'b' },
] as const
const main = fakeSnapshot(rows, { problems })
const aux = fakeSnapshot([row(b, 't9', 0)], { kafkaCluster: 'aux' })

function compile(pattern: string): (text: string) => boolean {
  const compiled = new RegExp(`^(?:${pattern})$`)
  return (text) => compiled.test(text)
}

async function answer(query: string, snapshots: readonly Snapshot[] = [main, aux]): Promise<Answer> {
  const clusters = { names: () => ['aux', 'main'], snapshots: () => snapshots }
  const response = await ask(consumersRoute({ clusters, compile }), `/api/v1/consumers${query}`)
  expect(response.headers['Content-Type']).toBe('application/json; charset=utf-8')
  return JSON.parse(await textOf(response))
}

function short({ rows: found }: Answer): string[] {
  return found.map((one) => `${one.kafka_cluster} ${one.consumer} ${one.topic} ${one.partition}`)
}

describe('/api/v1/consumers', () => {
  it('lists rows by cluster, consumer, topic and partition', async () => {
    const found = await answer('')

    expect(short(found)).toEqual([
      'aux b t9 0',
      'main a t1 0',
      'main a t1 1',
      'main a t2 0',
      'main a t2 7',
      'main b t1 0',
    ])
    expect(found.next).toBe('')
    expect(found.rows[1]).toEqual({
      kafka_cluster: 'main',
      consumer: 'a',
      kind: 'classic',
      topic: 't1',
      partition: 0,
      position: 1,
      log_start_offset: 0,
      log_end_offset: 5,
      records_lag: 4,
    })
  })

  it.each([
    ['?kafka_cluster=aux', ['aux b t9 0']],
    ['?consumer=b', ['aux b t9 0', 'main b t1 0']],
    ['?consumer=B', []],
    ['?topic=t2', ['main a t2 0', 'main a t2 7']],
    ['?consumer=a&topic=t1', ['main a t1 0', 'main a t1 1']],
    ['?topic_re=t[29]', ['aux b t9 0', 'main a t2 0', 'main a t2 7']],
    ['?consumer_re=.*&topic_re=t9', ['aux b t9 0']],
    ['?consumer=a&consumer_re=b', []],
  ])('%s gives the rows that fit', async (query, wanted) => {
    expect(short(await answer(query))).toEqual(wanted)
  })

  it('gives every row once over pages of any length, also where two sources share a topic', async () => {
    const shared = fakeParts(main, [[rows[4]!], [rows[0]!, rows[2]!], [rows[1]!, rows[3]!]])
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 }), async (limit) => {
        const found: string[] = []
        let after = ''
        do {
          const page = await answer(`?limit=${limit}&after=${after}`, [shared, aux])
          expect(page.rows.length).toBeLessThanOrEqual(limit)
          found.push(...short(page))
          after = page.next
        } while (after !== '')

        expect(found).toEqual(short(await answer('')))
      }),
    )
  })

  it('goes on behind its place when the row there has gone in between', async () => {
    const { next } = await answer('?limit=3')

    const rest = await answer(`?after=${next}`, [fakeSnapshot([rows[0]!, rows[1]!, rows[4]!])])

    expect(short(rest)).toEqual(['main a t2 7', 'main b t1 0'])
  })

  it('tells problems on the first page, those of other consumers left out', async () => {
    const messages = async (query: string): Promise<string[]> =>
      (await answer(query)).problems.map(({ message }) => message)

    expect(await messages('')).toEqual(['broker 3 is silent', 'group b'])
    expect(await messages('?consumer=a')).toEqual(['broker 3 is silent'])
    expect(await messages(`?after=${(await answer('?limit=1')).next}`)).toEqual([])
  })

  it.each([
    ['?limit=0', 'Query parameter limit: "0", expected a whole number from 1 to 10000'],
    ['?limit=10001', 'Query parameter limit: "10001", expected a whole number from 1 to 10000'],
    ['?limit=x', 'Query parameter limit: "x", expected a whole number from 1 to 10000'],
    ['?after=x', 'Query parameter after: "x", expected the value of "next" of an earlier answer'],
    ['?consumer=a&consumer=b', 'Query parameter consumer: "a", "b", expected one value'],
    ['?topic_re=(', /^Query parameter topic_re: "\(", expected an RE2 pattern: Invalid regular expression/],
    [`?topic_re=${'x'.repeat(513)}`, /expected at most 512 characters$/],
    ['?grop=a', /^Query parameter grop: "a", expected one of kafka_cluster, consumer,/],
  ])('refuses %s with 400', async (query, message) => {
    await expect(answer(query)).rejects.toMatchObject({
      status: 400,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    })
  })

  it('refuses an unknown cluster with 404', async () => {
    await expect(answer('?kafka_cluster=x')).rejects.toMatchObject({ status: 404 })
  })
})
