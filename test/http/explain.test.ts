import { describe, expect, it } from 'vitest'
import { explainRoute } from '../../src/http/explain.ts'
import type { PositionTrace } from '../../src/model/position-trace.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { ask, textOf } from '../fakes/http.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'

const billing = { name: 'billing', kind: 'classic' } as const
const main = fakeSnapshot(
  [{ consumer: billing, topic: 'orders', partition: 3, position: 2n ** 53n + 1n, start: 0n, end: 2n ** 53n + 5n }],
  { problems: [{ reason: 'unauthorized', message: 'group x is not ours', consumer: 'x' }] },
)

async function explained(query: string, snapshots: readonly Snapshot[] = [main], names = ['main']): Promise<string> {
  const route = explainRoute({ names: () => names, snapshots: () => snapshots })
  const response = await ask(route, `/api/v1/explain?${query}`)
  return textOf(response)
}

describe('/api/v1/explain', () => {
  it('gives the row, the calculation and the requests, with exact integers', async () => {
    const text = await explained('kafka_cluster=main&consumer=billing&topic=orders&partition=3')

    expect(text).toContain('"position":9007199254740993,')
    const { row, state, arithmetic, requests } = JSON.parse(text)
    expect([row.records_lag, state]).toEqual([4, 'known'])
    expect(arithmetic).toBe('log end 9007199254740997 - position 9007199254740993 = records lag 4')
    expect(Object.keys(requests)).toEqual(['log_start', 'position', 'log_end'])
    expect(requests.position[0].api).toBe('OffsetFetch')
  })

  it('tells of a Flink job how its position came to be, and of no other pages', async () => {
    const job = { name: 'prod/etl', kind: 'flink', jobId: 'j' } as const
    const snapshot = fakeSnapshot([
      { consumer: job, topic: 'orders', partition: 3, position: 90n, start: 0n, end: 100n },
    ])
    const trace: PositionTrace = {
      flinkCluster: 'prod',
      jobManager: 'http://jm:8081',
      jobId: 'j',
      state: 'RUNNING',
      gauges: [
        {
          page: 'http://tm1:9250/metrics',
          sentAt: snapshot.takenAt - 2_000,
          takenAt: snapshot.takenAt - 1_000,
          vertex: 'v1',
          operator: 'op1',
          operatorName: 'Source: orders[1]',
          subtask: 0,
          attempt: 2,
          current: { gauge: 'currentOffset', value: 89 },
          position: 90,
          verdict: 'counts',
        },
      ],
      gaugePosition: 90,
      commits: [{ group: 'g', offset: 2n ** 53n + 1n }],
      verdict: 'The gauge is preferred',
    }
    const asked: unknown[] = []
    const route = explainRoute(
      { names: () => ['main'], snapshots: () => [snapshot] },
      async ({ consumer, partition }) => {
        asked.push([consumer, partition])
        return trace
      },
    )

    const text = await textOf(await ask(route, '/api/v1/explain?consumer=prod/etl&topic=orders&partition=3'))

    expect(asked).toEqual([['prod/etl', 3]])
    expect(text).toContain('"commits":[{"group":"g","offset":9007199254740993}]')
    const { flink } = JSON.parse(text)
    expect(flink).toMatchObject({
      flink_cluster: 'prod',
      job_manager: 'http://jm:8081',
      job_id: 'j',
      state: 'RUNNING',
      verdict: 'The gauge is preferred',
    })
    expect(flink.gauges).toEqual([
      {
        page: 'http://tm1:9250/metrics',
        sent: '2025-01-01T00:01:38.000Z',
        received: '2025-01-01T00:01:39.000Z',
        vertex: 'v1',
        operator: 'op1',
        operator_name: 'Source: orders[1]',
        subtask: 0,
        attempt: 2,
        current: { gauge: 'currentOffset', value: 89 },
        position: 90,
        verdict: 'counts',
      },
    ])
  })

  it('needs no cluster while there is only one', async () => {
    expect(await explained('consumer=billing&topic=orders&partition=3')).toContain('"kafka_cluster":"main"')
  })

  it.each([
    ['topic=orders&partition=3', 'Query parameter consumer: "", expected the name of a consumer'],
    ['consumer=billing&partition=3', 'Query parameter topic: "", expected the name of a topic'],
    ['consumer=billing&topic=orders', 'Query parameter partition: "", expected a number'],
    [
      'consumer=billing&topic=orders&partition=-1',
      'Query parameter partition: "-1", expected a whole number from 0 to 2147483647',
    ],
  ])('refuses %s with 400', async (query, message) => {
    await expect(explained(query)).rejects.toMatchObject({ status: 400, message })
  })

  it('asks for the cluster when there are several', async () => {
    const query = 'consumer=billing&topic=orders&partition=3'

    await expect(explained(query, [main], ['aux', 'main'])).rejects.toMatchObject({
      status: 400,
      message: 'Query parameter kafka_cluster: "", expected one of aux, main',
    })
  })

  it.each([
    [
      'consumer=billing&topic=orders&partition=4',
      'Consumer "billing" has no row for partition 4 of topic "orders" in Kafka cluster "main"',
      { partitions: [3] },
    ],
    [
      'consumer=billing&topic=x&partition=3',
      'Consumer "billing" has no row for topic "x" in Kafka cluster "main"',
      { topics: ['orders'] },
    ],
    [
      'consumer=x&topic=x&partition=3',
      'Consumer "x" is unknown in Kafka cluster "main"',
      { problems: [{ reason: 'unauthorized', message: 'group x is not ours', consumer: 'x' }] },
    ],
  ])('says of %s what is unknown, and what is known instead', async (query, message, details) => {
    await expect(explained(query)).rejects.toMatchObject({ status: 404, message, details })
  })

  it('says 503 before the first cycle', async () => {
    await expect(explained('consumer=a&topic=b&partition=0', [])).rejects.toMatchObject({ status: 503 })
  })
})
