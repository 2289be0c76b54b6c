import { afterAll, beforeAll, expect, it } from 'vitest'
import { consumerName } from '../../src/model/consumer.ts'
import type { LagRow } from '../../src/model/lag-row.ts'
import { type EdgeLoad, edgeLoad } from '../loads/edge-load.ts'
import {
  judgeLogs,
  judgeMoving,
  judgeResting,
  judgeTool,
  judgeToolMoving,
  type Truth,
  worstVerdict,
} from '../loads/judge.ts'
import { type MovingLoad, movingLoad } from '../loads/moving-load.ts'
import { type RestingLoad, restingLoad } from '../loads/resting-load.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { describeGroups, logOffsets } from '../rigs/kafka-tool.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { isAtLeast } from '../rigs/version.ts'
import type { KafkaUnderMatrix } from './kafka-versions.ts'
import { createMatrixReader, logsOf, type Reading } from './kafka-versions-reader.ts'
import { createReport, type Report } from './kafka-versions-report.ts'

const limitMs = 600_000
/** Cycles over which requests are counted: log starts, members and metadata take turns. */
const STEADY = 4
/** Groups and topics that are looked at with a tool of which each call takes one. */
const SAMPLE = 4
/** Times that the cluster is read while it moves. */
const MOVING = 4

/** A row of the matrix from Kafka 0.10.2 on, which the Java clients of today can speak to. */
export function modernKafka(row: KafkaUnderMatrix): void {
  const { version, mode, brokers } = row
  const has011 = isAtLeast(version, '0.11')
  const size = { topics: brokers === 1 ? 40 : 20, partitions: 25, groups: 50 }
  let report: Report
  let kafka: KafkaRig
  let rig: RigClient
  let resting: RestingLoad
  let moving: MovingLoad | undefined
  let edge: EdgeLoad | undefined

  beforeAll(async () => {
    report = createReport(row)
    kafka = await startKafka({ version, mode, brokers, heap: brokers === 1 ? '256m' : '192m' })
    rig = await startRigClient({ version, bootstrap: kafka.bootstrap })
  })
  afterAll(async () => {
    await rig?.stop()
    await kafka?.stop()
  })

  it('is right about every row at rest, in the first cycle and in steady ones', { timeout: limitMs }, async () => {
    resting = await restingLoad(rig, size, has011)
    const truth = await rig.oracle(resting.groups)
    using reader = createMatrixReader(kafka.bootstrap)

    const first = await reader.cycle()
    reader.takeRequests()
    let last = first
    for (let cycle = 0; cycle < STEADY; cycle++) last = await reader.cycle()
    const requests = Object.entries(reader.takeRequests()).sort(([a], [b]) => (a < b ? -1 : 1))

    expect(truth.committed).toHaveLength(size.topics * size.partitions * size.groups)
    expect([...first.snapshot.problems, ...last.snapshot.problems]).toEqual([])
    report.add('resting', worstVerdict([judgeResting(first.rows, truth), judgeResting(last.rows, truth)]))
    report.addConsumers(resting.groups.length)
    report.requests(Object.fromEntries(requests.map(([api, count]) => [api, count / STEADY])))
    expect(totals(first)).toEqual(totalsOf(truth))
    expect(totals(last)).toEqual(totalsOf(truth))
  })

  it('agrees with the tools that this Kafka ships', { timeout: limitMs }, async () => {
    using reader = createMatrixReader(kafka.bootstrap)
    const { rows, snapshot } = await reader.cycle()

    if (isAtLeast(version, '2.4'))
      report.addTools('group tool', judgeTool(rows, await describeGroups(version, kafka.bootstrap)))
    else
      for (const group of spread(resting.groups, SAMPLE))
        report.addTools('group tool', judgeTool(rows, await describeGroups(version, kafka.bootstrap, group)))
    const topics = isAtLeast(version, '3.0') ? undefined : spread(resting.topics, SAMPLE)
    const starts = await logOffsets(version, kafka.bootstrap, 'earliest', topics)
    const ends = await logOffsets(version, kafka.bootstrap, 'latest', topics)
    report.addTools('log starts', judgeLogs(logsOf(snapshot, snapshot.starts), starts, 'log start'))
    report.addTools('log ends', judgeLogs(logsOf(snapshot, snapshot.ends), ends, 'log end'))
  })

  it('lies between what was before and what was after, while everything moves', { timeout: limitMs }, async () => {
    moving = await movingLoad(rig)
    using reader = createMatrixReader(kafka.bootstrap)
    const verdicts = []

    for (let time = 0; time < MOVING; time++) {
      const before = await rig.oracle(moving.groups)
      const reading = await reader.cycle()
      verdicts.push(judgeMoving(rowsOf(reading, moving.groups), before, await rig.oracle(moving.groups)))
    }
    const group = moving.groups[0] ?? ''
    const before = await describeGroups(version, kafka.bootstrap, group)
    const reading = await reader.cycle()
    const after = await describeGroups(version, kafka.bootstrap, group)
    const rounds = moving.rounds()
    await moving.stop()

    expect(rounds).toBeGreaterThan(MOVING)
    report.add('moving', worstVerdict(verdicts))
    report.addConsumers(moving.groups.length)
    report.addTools('group tool, moving', judgeToolMoving(reading.rows, before, after))
  })

  it('is right about what exporters go wrong on', { timeout: limitMs }, async () => {
    edge = await edgeLoad(rig, { deleteRecords: has011, transactions: has011 })
    const truth = await rig.oracle(edge.groups)
    using reader = createMatrixReader(kafka.bootstrap)

    const first = await reader.cycle()
    const last = await reader.cycle()

    const ours = [first, last].map((reading) => rowsOf(reading, edge?.groups ?? []))
    report.add('edge', worstVerdict(ours.map((rows) => judgeResting(rows, truth, edge?.assigned))))
    report.addConsumers(edge.groups.length)
    const known = new Set([...resting.groups, ...(moving?.groups ?? []), ...edge.groups].map(consumerName))
    expect(last.rows.filter(({ consumer }) => !known.has(consumer))).toEqual([])
    for (const group of ['beyond', 'below', 'wide-3'])
      report.addTools('group tool, edge', judgeTool(last.rows, await describeGroups(version, kafka.bootstrap, group)))
    await edge.close()
  })

  it('is written down', () => {
    report.finish(['resting', 'moving', 'edge'])
  })
}

function rowsOf({ rows }: Reading, groups: readonly string[]): readonly LagRow[] {
  const names = new Set(groups.map(consumerName))
  return rows.filter(({ consumer }) => names.has(consumer))
}

/** Sums of consumers as the snapshot has them. */
function totals({ snapshot }: Reading): Readonly<Record<string, number | undefined>> {
  return Object.fromEntries(snapshot.consumers.map(({ consumer, lag }) => [consumer.name, lag]))
}

/** The same from the truth, all of which is known. */
function totalsOf({ committed, ends }: Truth): Readonly<Record<string, number>> {
  const logs = new Map(ends.map((log) => [`${log.topic}/${log.partition}`, log]))
  const sums: Record<string, number> = {}
  for (const { group, topic, partition, offset } of committed) {
    const log = logs.get(`${topic}/${partition}`)
    if (log === undefined) throw new Error(`Sum ${group}: the truth has no log ${topic}/${partition}`)
    const lag = Number(log.end - (offset > log.beginning ? offset : log.beginning))
    sums[group] = (sums[group] ?? 0) + lag
  }
  return sums
}

/** `count` of many, from the first to the last. */
function spread<T>(many: readonly T[], count: number): readonly T[] {
  return many.filter((_, index) => index % Math.ceil(many.length / count) === 0)
}
