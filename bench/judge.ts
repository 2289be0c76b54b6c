import { createJudge, type JudgeInput } from '../src/judge/judge.ts'
import { join } from '../src/lag/join.ts'
import { emptyCatalog } from '../src/model/catalog.ts'
import { statuses } from '../src/model/judgement.ts'
import { logOffsetColumn } from '../src/model/log-offsets.ts'
import type { Objective } from '../src/model/objective.ts'
import { type OffsetColumn, offsetColumn } from '../src/model/offsets.ts'
import type { PositionBatch } from '../src/model/position-batch.ts'
import { type Figure, report } from './report.ts'

const INTERVAL_MS = 30_000
/** Long enough for a stall to be told. */
const LONG = 30
const SHORT = 9
const MEASURED = 5
/** Records that arrive in a partition from one cycle to the next. */
const ARRIVING = 150
const PROMISED: readonly Objective[] = [
  { consumer: '', topic: '', owner: 'bench', severity: 'warning', seconds: 3_600, records: 1e9 },
]

interface World {
  readonly consumers: number
  readonly topics: number
  readonly partitions: number
  /** Every partition of those that move and of those that stand has lag. */
  readonly lags: 'some' | 'all'
  readonly cycles: number
}

/** A cycle's judgement of consumers of which a third moves and a tenth stands, and what the history of 1 M partitions costs. */
export function run(): boolean {
  const many = measure({ consumers: 100_000, topics: 100_000, partitions: 10, lags: 'some', cycles: LONG })
  const behind = measure({ consumers: 100_000, topics: 100_000, partitions: 10, lags: 'all', cycles: SHORT })
  const wide = measure({ consumers: 65_000, topics: 25_000, partitions: 40, lags: 'some', cycles: SHORT })
  const figures: Figure[] = [
    { what: '100,000 consumers x 10 partitions, a cycle', measured: many.ms, unit: 'ms', limit: 250 },
    {
      // Times depend on the machine, and on what else runs there: the join of the same rows has a limit of 40 ms.
      what: '  CPU of all threads',
      measured: many.cpuMs,
      unit: 'ms',
      peer: { name: 'join of the same rows', measured: many.joinCpuMs },
    },
    { what: '  its longest step', measured: many.stepMs, unit: 'ms', limit: 50 },
    { what: '  memory of a consumer', measured: many.memoryBytes / 100_000, unit: 'B' },
    { what: '  history of 1,000,000 partitions', measured: many.historyBytes / 1e6, unit: 'MB', limit: 200 },
    { what: 'the same, all 1,000,000 rows with lag', measured: behind.ms, unit: 'ms' },
    { what: '  its longest step', measured: behind.stepMs, unit: 'ms', limit: 50 },
    { what: '65,000 consumers x 40 partitions, a cycle', measured: wide.ms, unit: 'ms', limit: 500 },
    { what: '  its longest step', measured: wide.stepMs, unit: 'ms', limit: 50 },
  ]
  return report('Judge', figures)
}

interface Measured {
  readonly ms: number
  readonly stepMs: number
  /** Of all threads, the collector of garbage among them. */
  readonly cpuMs: number
  readonly joinCpuMs: number
  readonly memoryBytes: number
  readonly historyBytes: number
}

function measure(world: World): Measured {
  const { topics, partitions } = world
  const rows = topics * partitions
  const catalogTopics = Array.from({ length: topics }, (_, index) => ({
    name: `topic-${index}`,
    internal: false,
    partitions,
    firstRow: index * partitions,
  }))
  const catalog = {
    ...emptyCatalog,
    topics: catalogTopics,
    topicIndex: new Map(catalogTopics.map((topic, index) => [topic.name, index])),
    rows,
    leader: new Int32Array(rows),
  }
  const recreated = new Uint8Array(topics)
  const judge = createJudge({ windowMs: 600_000, intervalMs: INTERVAL_MS })
  const end = offsetColumn(rows)
  const value = offsetColumn(world.consumers * partitions)
  const shape = batchShape(world)
  const objectives = new Map(shape.consumers.map(({ name }) => [name, PROMISED]))
  const times: number[] = []
  const steps: number[] = []
  const cpus: number[] = []
  const joins: number[] = []
  let heap = 0
  for (let cycle = 0; cycle < world.cycles; cycle++) {
    const now = 1_000 + cycle * INTERVAL_MS
    move(world, cycle, end, value)
    const starts = { ...logOffsetColumn(rows, 0, [evidence(now - 30)]), answer: new Uint16Array(rows) }
    const ends = {
      ...logOffsetColumn(rows, 0, [evidence(now - 10)]),
      answer: new Uint16Array(rows),
      offset: end.slice(),
    }
    const batch: PositionBatch = { ...shape, takenAt: now - 20, value: value.slice() }
    const noPosition = (): 'ignore' => 'ignore'
    const joining = process.cpuUsage()
    const part = join(batch, { catalog, starts, ends, recreated, previous: undefined, holdSince: 0, noPosition })
    const joined = process.cpuUsage(joining)
    if (cycle === 0) {
      globalThis.gc?.()
      heap = used()
    }
    const input: JudgeInput = {
      catalog,
      starts,
      ends,
      recreated,
      parts: [part],
      noPosition,
      now,
      wall: 1_700_000_000_000 + now,
      objectives: (consumer) => objectives.get(consumer) ?? [],
      isJobRunning: () => undefined,
      kept: () => ({ retentionMs: 7 * 24 * 3_600_000 }),
    }
    const cpu = process.cpuUsage()
    const timed = time(judge.judge(input))
    const { user, system } = process.cpuUsage(cpu)
    if (cycle < world.cycles - MEASURED) continue
    times.push(timed.ms)
    steps.push(timed.longestMs)
    cpus.push((user + system) / 1_000)
    joins.push((joined.user + joined.system) / 1_000)
    if (cycle < LONG - 1) continue
    const stalled = timed.result[0]!.judgements!.status.filter((status) => statuses[status] === 'stalled').length
    if (stalled !== Math.floor(world.consumers / 10)) throw new Error(`the judge is wrong: ${stalled} are stalled`)
  }
  globalThis.gc?.()
  const { columns, base, seen } = judge.history.rows
  const historyBytes = [...columns, base, seen].reduce((sum, { byteLength }) => sum + byteLength, 0)
  return {
    ms: median(times),
    stepMs: Math.max(...steps),
    cpuMs: median(cpus),
    joinCpuMs: median(joins),
    memoryBytes: used() - heap - historyBytes,
    historyBytes,
  }
}

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function evidence(at: number) {
  return { from: 'bench:0', api: 'ListOffsets', version: 7, correlation: 1, sentAt: at, receivedAt: at + 5, code: 0 }
}

function batchShape({ consumers, topics, partitions }: World): Omit<PositionBatch, 'takenAt' | 'value'> {
  const rows = consumers * partitions
  return {
    evidence: [evidence(0)],
    holds: 'position',
    consumers: Array.from({ length: consumers }, (_, index) => ({
      name: `group-${index}`,
      kind: 'classic',
      group: `group-${index}`,
      members: 3,
    })),
    topics: Array.from({ length: topics }, (_, index) => ({ name: `topic-${index}`, exact: true })),
    blockConsumer: Uint32Array.from({ length: consumers }, (_, block) => block),
    blockTopic: Uint32Array.from({ length: consumers }, (_, block) => block % topics),
    blockFirst: Uint32Array.from({ length: consumers + 1 }, (_, block) => block * partitions),
    partition: Int32Array.from({ length: rows }, (_, row) => row % partitions),
    epoch: new Int32Array(rows),
    reason: new Uint8Array(rows),
  }
}

/** Records arrive where consumers move or stand. */
function move(
  { consumers, topics, partitions, lags }: World,
  cycle: number,
  end: OffsetColumn,
  value: OffsetColumn,
): void {
  for (let topic = 0; topic < topics; topic++) {
    const isIdle = lags === 'some' && topic % 10 > 3
    for (let partition = 0; partition < partitions; partition++)
      end[(topic * partitions + partition) * 2] = 5_000 + (isIdle ? 0 : cycle * ARRIVING)
  }
  for (let consumer = 0; consumer < consumers; consumer++) {
    const kind = consumer % 10
    const topic = consumer % topics
    for (let partition = 0; partition < partitions; partition++) {
      const log = end[(topic * partitions + partition) * 2]!
      const behind = 3 * ARRIVING + partition
      value[(consumer * partitions + partition) * 2] =
        kind === 0 ? 4_000 : kind > 3 && lags === 'some' ? log : log - behind
    }
  }
}

function time<T>(steps: Generator<void, T>) {
  let [ms, longestMs] = [0, 0]
  for (;;) {
    const start = performance.now()
    const step = steps.next()
    const took = performance.now() - start
    ms += took
    longestMs = Math.max(longestMs, took)
    if (step.done === true) return { ms, longestMs, result: step.value }
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!
}
