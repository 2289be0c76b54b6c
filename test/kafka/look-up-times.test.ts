import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createKafkaCluster as connect, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { lookUpTimes, readLocalStarts, type TimeAsked } from '../../src/kafka/look-up-times.ts'
import { readCatalog } from '../../src/kafka/read-catalog.ts'
import { readRecordTimes } from '../../src/kafka/read-record-times.ts'
import { type Catalog, emptyCatalog } from '../../src/model/catalog.ts'
import type { TimeLookUp } from '../../src/model/time-look-up.ts'
import { systemClock as clock } from '../../src/runtime/clock.ts'
import { type KafkaCluster as Simulated, createKafkaCluster as simulate } from '../../src/simulator/kafka-cluster.ts'

const NOW = 1_700_000_000_000
const PARTITIONS = 2_000
const signal = new AbortController().signal
let broker: Simulated
let cluster: KafkaCluster
let catalog: Catalog

beforeEach(async () => {
  broker = await simulate({ brokers: 2 })
  broker.state.createTopic('t', PARTITIONS)
  // A record each second, the last one at NOW.
  for (let partition = 0; partition < PARTITIONS; partition++)
    for (let age = 9; age >= 0; age--) broker.state.append('t', partition, 1, NOW - age * 1_000)
  cluster = connect({ bootstrap: broker.bootstrap, requestTimeoutMs: 2_000, clock })
  catalog = (await readCatalog(cluster, emptyCatalog, () => true, signal)).catalog
})
afterEach(async () => {
  cluster.close()
  await broker[Symbol.asyncDispose]()
})

function asked(partition: number, position: bigint, more: Partial<TimeAsked> = {}): TimeAsked {
  const end = { offset: 10n, at: NOW }
  return { topic: 't', partition, position, start: 0n, end, guess: NOW - 4_300, ...more }
}

async function look(questions: readonly TimeAsked[], how = lookUpTimes, until = signal, cold = false) {
  const told = new Map<TimeAsked, TimeLookUp>()
  const tell = (question: TimeAsked, found: TimeLookUp) => told.set(question, found)
  const problems = await how(cluster, catalog, questions, { now: NOW, cold, tell }, until)
  return { looks: questions.map((question) => told.get(question)), problems, told }
}

describe('lookUpTimes()', () => {
  it('asks each leader at most three times, whatever it leads', async () => {
    broker.requests.reset()
    const questions = Array.from({ length: PARTITIONS }, (_, partition) =>
      asked(partition, BigInt(1 + (partition % 9))),
    )
    const { looks, problems } = await look(questions)

    expect(problems).toEqual([])
    expect(looks.filter((found) => found !== undefined && 'isExact' in found && found.isExact)).toHaveLength(PARTITIONS)
    expect([broker.requests.total('ListOffsets', 1), broker.requests.total('ListOffsets', 2)]).toEqual([3, 3])
  })

  it('asks the first of several questions about a partition, and leaves out what has no leader', async () => {
    broker.state.moveLeader('t', 3, undefined)
    catalog = (await readCatalog(cluster, emptyCatalog, () => true, signal)).catalog
    const { looks } = await look([asked(0, 5n), asked(0, 6n), asked(3, 5n), asked(PARTITIONS, 5n)])

    expect(looks.map((found) => found?.position)).toEqual([5n, undefined, undefined, undefined])
  })

  it('tells of a partition that is refused, and of a broker that is away, without hiding the others', async () => {
    broker.state.setOffsetError('t', 0, 'TOPIC_AUTHORIZATION_FAILED')
    broker.state.setOffsetError('t', 2, 'UNSUPPORTED_FOR_MESSAGE_FORMAT')
    await broker.faults.refuse(2)
    const { looks, problems } = await look([asked(0, 5n), asked(2, 5n), asked(4, 5n), asked(1, 5n)])

    expect(looks).toMatchObject([
      { reason: 'unauthorized' },
      { reason: 'no_timestamp' },
      { isExact: true },
      { reason: 'read_failed' },
    ])
    expect(problems).toMatchObject([{ reason: 'read_failed', broker: '2' }])
  })

  it('keeps what a first round has told when the second one fails, or is broken off', async () => {
    const stop = new AbortController()
    let answers = 0
    broker.faults.lie(({ api, bytes }) => {
      if (api !== 'ListOffsets') return bytes
      if (++answers === 1) return bytes
      stop.abort()
      return 'silence'
    })
    const { looks, problems } = await look([asked(0, 8n)], lookUpTimes, stop.signal)

    expect(looks).toMatchObject([{ isExact: false, isSettled: false, notBefore: NOW - 4_000, rounds: 1 }])
    expect(problems).toEqual([])
  })

  it('does not look where the records lie in remote storage, unless that is wanted', async () => {
    broker.state.setLocalStart('t', 0, 6n)
    const questions = [asked(0, 5n), asked(2, 5n)]
    const starts = await readLocalStarts(cluster, catalog, questions, signal)
    expect(questions.map((question) => starts.get(question))).toEqual([6n, 0n])

    const cold = [asked(0, 5n, { localStart: 6n }), asked(0, 7n, { localStart: 6n })]
    broker.requests.reset()
    expect((await look(cold.slice(0, 1))).looks).toMatchObject([{ reason: 'cold', rounds: 0 }])
    expect((await look(cold.slice(0, 1), readRecordTimes)).looks).toEqual([undefined])
    expect(broker.requests.total('ListOffsets') + broker.requests.total('Fetch')).toBe(0)
    expect((await look(cold.slice(1))).looks).toMatchObject([{ isExact: true }])
    expect((await look(cold.slice(0, 1), lookUpTimes, signal, true)).looks).toMatchObject([{ isExact: true }])
  })

  it('holds the event loop for less than 50 ms with 2,000 partitions', async () => {
    const questions = Array.from({ length: PARTITIONS }, (_, partition) =>
      asked(partition, BigInt(1 + (partition % 9))),
    )
    await look(questions)
    const steps = watchSteps()
    for (let round = 0; round < 3; round++) await look(questions)

    // The simulator answers in the same process.
    const longest = steps.stop()
    expect(longest).toBeLessThan(50)
  })
})

/** The most CPU that was used between two turns of the event loop: others on the same cores do not count. */
function watchSteps(): { stop(): number } {
  let isOver = false
  let longest = 0
  let before = process.cpuUsage()
  const step = (): void => {
    const { user, system } = process.cpuUsage(before)
    longest = Math.max(longest, (user + system) / 1000)
    before = process.cpuUsage()
    if (!isOver) setImmediate(step)
  }
  setImmediate(step)
  return {
    stop: () => {
      isOver = true
      return longest
    },
  }
}

describe('readRecordTimes()', () => {
  it('reads the records themselves in one request a broker', async () => {
    broker.requests.reset()
    const { looks } = await look([asked(0, 5n), asked(1, 0n), asked(2, 9n), asked(4, 10n)], readRecordTimes)

    expect(looks).toMatchObject([{ at: NOW - 4_000 }, { at: NOW - 9_000 }, { at: NOW }, { reason: 'not_found' }])
    expect([broker.requests.total('Fetch', 1), broker.requests.total('Fetch', 2)]).toEqual([1, 1])
  })

  it('says what it may not read', async () => {
    broker.state.denied.reads.add('t')
    const { looks, problems } = await look([asked(0, 5n)], readRecordTimes)
    expect([looks, problems]).toMatchObject([[{ reason: 'unauthorized' }], []])
  })

  it('leaves partitions beyond the first 128 of a broker for later', async () => {
    const questions = Array.from({ length: 600 }, (_, partition) => asked(partition, 5n))
    const { told } = await look(questions, readRecordTimes)
    expect(told.size).toBe(256)
    expect([...told.values()].every((found) => 'isExact' in found && found.isExact)).toBe(true)
  })
})
