import { afterEach, beforeEach, expect, it } from 'vitest'
import { createKafkaCluster as connect, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { readCatalog } from '../../src/kafka/read-catalog.ts'
import { readTails, tailKey } from '../../src/kafka/read-control-records.ts'
import { type Catalog, emptyCatalog } from '../../src/model/catalog.ts'
import { systemClock as clock } from '../../src/runtime/clock.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'

const signal = new AbortController().signal
let broker: Simulated
let cluster: KafkaCluster
let catalog: Catalog

beforeEach(async () => {
  broker = await simulate({ brokers: 2 })
  broker.state.createTopic('t', 4)
  // 0: five records and their end, then an end alone. 1: plain records. 2: the end of a transaction, then plain ones.
  broker.state.appendTransaction('t', 0, 5)
  broker.state.appendTransaction('t', 0, 0)
  broker.state.append('t', 1, 7)
  broker.state.appendTransaction('t', 2, 5)
  broker.state.append('t', 2, 1)
  cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 2_000, clock })
  catalog = (await readCatalog(cluster, emptyCatalog, () => true, signal)).catalog
})
afterEach(async () => {
  cluster.close()
  await broker[Symbol.asyncDispose]()
})

async function tail(partition: number, position: bigint, end: bigint) {
  const question = { topic: 't', partition, position, end }
  const { tails, problems } = await readTails(cluster, catalog, [question], signal)
  expect(problems).toEqual([])
  return tails.get(tailKey(question))
}

it.each([
  ['two ends of transactions', 0, 5n, 7n, 'control'],
  ['a record before them', 0, 4n, 7n, 'records'],
  ['one of them, up to where the log ended when it was read', 0, 5n, 6n, 'control'],
  ['plain records', 1, 5n, 7n, 'records'],
  ['a record behind an end', 2, 5n, 7n, 'records'],
  ['an end, when the record behind it came later', 2, 5n, 6n, 'control'],
  ['what does not reach the log end', 0, 5n, 8n, 'unclear'],
  ['what lies behind the log end', 0, 9n, 10n, 'unclear'],
] as const)('tells what is left: %s', async (_, partition, position, end, expected) => {
  expect(await tail(partition, position, end)).toBe(expected)
})

it('asks one question a partition, of all brokers side by side', async () => {
  broker.requests.reset()
  const questions = [5n, 6n, 4n].flatMap((position) =>
    [0, 1, 2].map((partition) => ({ topic: 't', partition, position, end: 7n })),
  )
  const { tails } = await readTails(cluster, catalog, questions, signal)

  expect(tails.size).toBe(3)
  expect([broker.requests.total('Fetch', 1), broker.requests.total('Fetch', 2)]).toEqual([1, 1])
})

it('says which it may not read, and which broker could not be asked', async () => {
  broker.state.denied.reads.add('t')
  expect(await tail(0, 5n, 7n)).toBe('denied')

  await broker.faults.refuse(1)
  await broker.faults.refuse(2)
  const { tails, problems } = await readTails(
    cluster,
    catalog,
    [{ topic: 't', partition: 0, position: 5n, end: 7n }],
    signal,
  )
  expect([tails.size, problems.map(({ reason }) => reason)]).toEqual([0, ['read_failed']])
})
