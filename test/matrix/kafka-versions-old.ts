import { afterAll, beforeAll, expect, it } from 'vitest'
import { judgeLogs, judgeResting, judgeTool, judgeToolMoving, type Truth, worstVerdict } from '../loads/judge.ts'
import { type OldLoad, oldLoad } from '../loads/old-load.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { checkOffsets, describeGroups, type GroupRow, logOffsets } from '../rigs/kafka-tool.ts'
import { connectOldKafka, type OldKafkaClient } from '../rigs/old-kafka-client.ts'
import { type OldMembers, startOldMembers } from '../rigs/old-members.ts'
import { isAtLeast } from '../rigs/version.ts'
import type { KafkaUnderMatrix } from './kafka-versions.ts'
import { createMatrixReader, logsOf } from './kafka-versions-reader.ts'
import { createReport, type Report } from './kafka-versions-report.ts'

const limitMs = 600_000
const STEADY = 4
const size = { topics: 4, partitions: 32, groups: 10 }

/**
 * A row of the matrix before Kafka 0.10.2. Judges are the tools of that version alone. 0.8.2 has no list of groups, so
 * they are named; 0.9 and 0.10.0 list a group, and their tool speaks of it, only while it has a member.
 */
export function oldKafka(row: KafkaUnderMatrix): void {
  const { version } = row
  const hasMembers = isAtLeast(version, '0.9')
  let report: Report
  let kafka: KafkaRig
  let client: OldKafkaClient
  let load: OldLoad
  let members: OldMembers | undefined
  let truth: Truth

  beforeAll(async () => {
    report = createReport(row)
    kafka = await startKafka({ version, properties: { 'num.partitions': String(size.partitions) } })
    client = await connectOldKafka(kafka.bootstrap)
    load = await oldLoad(client, size)
    if (hasMembers) members = await startOldMembers({ version, bootstrap: kafka.bootstrap, ...load })
  })
  afterAll(async () => {
    await members?.stop()
    await client?.stop()
    await kafka?.stop()
  })

  const groupTool = (group: string): Promise<readonly GroupRow[]> =>
    hasMembers
      ? describeGroups(version, kafka.bootstrap, group)
      : checkOffsets(version, kafka.zookeeper ?? '', group, load.topics)
  const reader = () => createMatrixReader(kafka.bootstrap, hasMembers ? {} : { groups: load.groups })

  it('is right about every row at rest, by the tools of this Kafka', { timeout: limitMs }, async () => {
    const starts = await logOffsets(version, kafka.bootstrap, 'earliest', load.topics)
    const ends = await logOffsets(version, kafka.bootstrap, 'latest', load.topics)
    const tool: GroupRow[] = []
    for (const group of load.groups) tool.push(...(await groupTool(group)))
    truth = truthOf(tool, starts, ends)
    using matrix = reader()

    const first = await matrix.cycle()
    matrix.takeRequests()
    let last = first
    for (let cycle = 0; cycle < STEADY; cycle++) last = await matrix.cycle()
    const requests = Object.entries(matrix.takeRequests()).sort(([a], [b]) => (a < b ? -1 : 1))

    expect(tool.filter(({ current }) => current !== undefined)).toHaveLength(
      size.topics * size.partitions * size.groups,
    )
    expect(last.snapshot.problems.filter(({ consumer }) => consumer !== undefined)).toEqual([])
    report.add('resting', worstVerdict([judgeResting(first.rows, truth), judgeResting(last.rows, truth)]))
    report.addConsumers(load.groups.length)
    report.requests(Object.fromEntries(requests.map(([api, count]) => [api, count / STEADY])))
    report.addTools('group tool', judgeTool(last.rows, tool))
    report.addTools('log starts', judgeLogs(logsOf(last.snapshot, last.snapshot.starts), starts, 'log start'))
    report.addTools('log ends', judgeLogs(logsOf(last.snapshot, last.snapshot.ends), ends, 'log end'))
  })

  it('lies between what the tool said before and after, while logs grow', { timeout: limitMs }, async () => {
    using matrix = reader()
    const growing = load.grow()

    const group = load.groups[1] ?? ''
    const before = await groupTool(group)
    const { rows } = await matrix.cycle()
    const after = await groupTool(group)
    await growing.stop()

    expect(growing.rounds()).toBeGreaterThan(1)
    report.addTools('group tool, growing', judgeToolMoving(rows, before, after))
  })

  if (hasMembers)
    it('goes on reading groups whose members have left', { timeout: limitMs }, async () => {
      using matrix = reader()
      await matrix.cycle()
      await members?.stop()

      const { rows } = await matrix.cycle()

      const starts = await logOffsets(version, kafka.bootstrap, 'earliest', load.topics)
      const ends = await logOffsets(version, kafka.bootstrap, 'latest', load.topics)
      const now = { ...truthOf([], starts, ends), committed: truth.committed }
      report.add('left alone', judgeResting(rows, now))
    })

  it('is written down', () => {
    report.finish(hasMembers ? ['resting', 'left alone'] : ['resting'])
  })
}

function truthOf(
  tool: readonly GroupRow[],
  starts: Awaited<ReturnType<typeof logOffsets>>,
  ends: Awaited<ReturnType<typeof logOffsets>>,
): Truth {
  const beginning = new Map(starts.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]))
  return {
    committed: tool.flatMap(({ group, topic, partition, current }) =>
      current === undefined ? [] : [{ group, topic, partition, offset: current }],
    ),
    ends: ends.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      beginning: beginning.get(`${topic}/${partition}`) ?? 0n,
      end: offset,
      stableEnd: undefined,
    })),
  }
}
