import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { LagRow } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { addVerdicts, judgeResting, type Truth, type Verdict } from '../loads/judge.ts'
import { type RestingLoad, restingLoad } from '../loads/resting-load.ts'
import { startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { forgetResult, talliesOf, writeFault } from './compatibility-results.ts'
import { createMatrixReader, type MatrixReader } from './kafka-versions-reader.ts'

const limitMs = 900_000
const size = { topics: 10, partitions: 12, groups: 10, replicas: 3 }
/** More in each partition before each step. */
const RECORDS = 23
/** Between two readings while a broker is away. */
const PAUSE_MS = 250
/** Until everything is known again after a broker came back. */
const SETTLED_WITHIN_MS = 60_000

interface Step {
  readonly version: string
  readonly properties: Readonly<Record<string, string>>
}

const upgrades: readonly {
  readonly name: string
  readonly from: string
  readonly mode: 'zookeeper' | 'kraft'
  readonly properties: Readonly<Record<string, string>>
  /** Each is made by one broker after the other. */
  readonly steps: readonly Step[]
}[] = [
  {
    // 2.6 has no topic ids. The second round gives the topics ids that they did not have, and they are the same topics.
    name: 'rolling upgrade from 2.6.3 to 3.9.1, then of the protocol, ZooKeeper',
    from: '2.6.3',
    mode: 'zookeeper',
    properties: { 'inter.broker.protocol.version': '2.6' },
    steps: [
      { version: '3.9.1', properties: {} },
      { version: '3.9.1', properties: { 'inter.broker.protocol.version': '3.9' } },
    ],
  },
  {
    name: 'rolling upgrade from 3.9.2 to 4.1.2, KRaft',
    from: '3.9.2',
    mode: 'kraft',
    properties: {},
    steps: [{ version: '4.1.2', properties: {} }],
  },
]

describe('A cluster of three brokers that is upgraded one after the other', () => {
  it.each(upgrades.map((upgrade) => [upgrade.name, upgrade] as const))(
    '%s: never a wrong number, and all of them after each step',
    { timeout: limitMs },
    async (name, upgrade) => {
      const { from, mode, properties, steps } = upgrade
      forgetResult(name)
      await using kafka = await startKafka({ version: from, mode, brokers: 3, heap: '192m', properties })
      // Brokers that end early lose what they know of producers; a record twice does no harm here.
      const plain = { 'enable.idempotence': 'false' }
      await using rig = await startRigClient({ version: from, bootstrap: kafka.bootstrap, properties: plain })
      using reader = createMatrixReader(kafka.bootstrap)
      const load = await restingLoad(rig, size, true)
      const settled: Verdict[] = []
      const meanwhile: Verdict[] = []

      let move = 0
      settled.push(await settle(reader, await rig.oracle(load.groups)))
      for (const step of steps)
        for (const index of kafka.brokers.keys()) {
          await moveOn(rig, load, move++)
          const truth = await rig.oracle(load.groups)
          settled.push(await settle(reader, truth))
          const watching = watch(reader, truth)
          try {
            await kafka.upgrade(index, step.version, step.properties)
          } finally {
            meanwhile.push(...(await watching.stop()))
          }
          settled.push(await settle(reader, truth))
        }
      const ids = topicIds((await reader.cycle()).snapshot, load)

      const wrong = [...settled, ...meanwhile].flatMap((verdict) => verdict.wrong)
      const all = talliesOf(addVerdicts(settled))
      const during = talliesOf(addVerdicts(meanwhile))
      const cycles = settled.length + meanwhile.length
      process.stdout.write(
        `matrix | ${name} | cycles ${cycles} | compared ${all.compared} | wrong ${all.wrong + during.wrong} | meanwhile ${JSON.stringify(during)} | topic ids ${ids}\n`,
      )
      expect(wrong).toEqual([])
      expect(all.missing).toEqual({})
      expect(during.missing).toEqual({})
      expect(ids).toBe(size.topics)
      writeFault({ name, cycles, ...all, missing: during.missing })
    },
  )
})

/** Reads until every row is there. What is wrong is never waited out. */
async function settle(reader: MatrixReader, truth: Truth): Promise<Verdict> {
  const givenUpAt = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    const { rows, snapshot } = await reader.cycle()
    const verdict = judgeResting(rows, truth)
    const isWhole = Object.keys(verdict.missing).length === 0 && snapshot.problems.length === 0
    const areFresh = rows.every(({ takenAt }) => takenAt === undefined)
    if ((isWhole && areFresh) || verdict.wrongCount > 0 || Date.now() > givenUpAt) return verdict
    await sleep(PAUSE_MS)
  }
}

/** Reads again and again. Nothing moves meanwhile, so whatever number is shown must be the right one. */
function watch(reader: MatrixReader, truth: Truth): { stop(): Promise<readonly Verdict[]> } {
  const verdicts: Verdict[] = []
  let watches = true
  const running = (async () => {
    while (watches) {
      const { rows, snapshot } = await reader.cycle()
      verdicts.push(judgeResting(rows, truth))
      for (const name of vanished(rows, truth))
        process.stdout.write(
          `matrix | "${name}" has no rows in cycle ${snapshot.cycle}: ${snapshot.problems.find(({ consumer }) => consumer === name)?.message ?? 'no problem names it'}\n`,
        )
      await sleep(PAUSE_MS)
    }
  })()
  running.catch(() => undefined)
  return {
    stop: async () => {
      watches = false
      await running
      return verdicts
    },
  }
}

/** Consumers of which nothing at all is said. */
function vanished(rows: readonly LagRow[], truth: Truth): ReadonlySet<string> {
  const shown = new Set(rows.map(({ consumer }) => consumer))
  return new Set(truth.committed.map(({ group }) => group).filter((name) => !shown.has(name)))
}

/** Records and commits within the log, so that each step has another truth. */
async function moveOn(rig: RigClient, load: RestingLoad, move: number): Promise<void> {
  const places = load.topics.flatMap((topic) =>
    Array.from({ length: size.partitions }, (_, partition) => ({ topic, partition })),
  )
  await rig.produceMany(places.map((place) => ({ ...place, count: RECORDS })))
  await rig.commitMany(
    load.groups.flatMap((group, number) =>
      places.map((place) => ({
        group,
        ...place,
        offset: BigInt(RECORDS * move + ((number + place.partition) % RECORDS)),
      })),
    ),
  )
}

function topicIds({ catalog }: Snapshot, load: RestingLoad): number {
  return catalog.topics.filter(({ name, id }) => id !== undefined && load.topics.includes(name)).length
}
