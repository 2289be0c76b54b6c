import { statuses } from '../model/judgement.ts'
import { createKeptLines, type Fields, fieldsOf, type KeptLines } from '../model/kept-lines.ts'
import { offsetAt, offsetColumn, setOffset } from '../model/offsets.ts'
import { createEndHistory, type HistoryLimits, type TopicEnds } from './end-history.ts'
import { endRows } from './end-rows.ts'
import type { EndMoment } from './end-slots.ts'
import type { SavedJudge } from './judge.ts'
import { type Clocks, isLittleEndian, MOST_CELLS, VERSION } from './judge-lines.ts'
import { type ConsumerMemory, newConsumerMemory } from './judge-memory.ts'
import { Movement, setRow } from './movement.ts'

/** More have not been written: a cluster of three million partitions has two moments. */
const MOST_READ_CELLS = 4 * MOST_CELLS

/** What a judge has left to the next process, and of which cluster it was. */
interface LeftByJudge {
  readonly saved: SavedJudge
  readonly clusterId: string | undefined
}

/** @param kafkaCluster the lines of another one are refused */
export function createJudgeReader(
  kafkaCluster: string,
  { now, wall }: Clocks,
  limits?: HistoryLimits,
): KeptLines<LeftByJudge> {
  const topics = new Map<string, TopicEnds>()
  const consumers = new Map<string, ConsumerMemory>()
  let moments: readonly EndMoment[] = []
  let rows = endRows(0, 0)
  let used = 0
  let clusterId: string | undefined
  /** What a clock that was set back says lies in the future happened now. */
  const momentOf = (at: number): number => Math.min(now, now - (wall - at))

  function takeHead(fields: Fields): string | undefined {
    const read = momentsOf(fields['moments'])
    if (read === undefined) return 'moments: expected pairs of milliseconds, ascending'
    const size = fields['rows']
    if (!isNumber(size) || !Number.isInteger(size) || size < 0 || size * Math.max(1, read.length) > MOST_READ_CELLS)
      return 'rows: expected the number of partitions'
    rows = endRows(size, read.length)
    // By a clock that was set back the last one lies in the future: they stay as far apart as they were.
    const ahead = Math.max(0, (read.at(-1)?.[1] ?? 0) - wall)
    moments = read.map(([askedAt, readAt]) => ({
      askedAt: momentOf(askedAt - ahead),
      readAt: momentOf(readAt - ahead),
    }))
    clusterId = typeof fields['cluster_id'] === 'string' ? fields['cluster_id'] : undefined
    return undefined
  }

  function takeTopic(name: string, { id, partitions, base, ends }: Fields): string | undefined {
    if (!isCount(partitions) || !Array.isArray(base) || base.length !== partitions || typeof ends !== 'string')
      return `topic "${name}"`
    const bytes = Buffer.from(ends, 'base64')
    const cells = partitions * moments.length
    if (bytes.length !== cells * 4) return `topic "${name}": ${bytes.length} bytes of ends, expected ${cells * 4}`
    const offsets = offsetsOf(base)
    if (offsets === undefined) return `topic "${name}": base`
    if (used + partitions > rows.size) return `topic "${name}": more partitions than the ${rows.size} of all topics`
    rows.base.set(offsets.column, used * 2)
    rows.seen.set(offsets.seen, used)
    const all = cellsIn(bytes)
    for (const [index, column] of rows.columns.entries())
      column.set(all.subarray(index * partitions, (index + 1) * partitions), used)
    topics.set(name, { id: typeof id === 'string' ? id : undefined, first: used, partitions })
    used += partitions
    return undefined
  }

  function takeConsumer(consumer: string, fields: Fields): string | undefined {
    const memory: ConsumerMemory = { ...newConsumerMemory(), hadMembers: fields['had_members'] === true }
    for (const [name, value] of Object.entries(fieldsOf(fields['topics']))) {
      const movement = movementOf(fieldsOf(value), momentOf, now)
      if (movement === undefined) return `consumer "${consumer}", topic "${name}"`
      memory.topics.set(name, movement)
    }
    consumers.set(consumer, memory)
    return undefined
  }

  return createKeptLines({
    kind: 'history',
    version: VERSION,
    kafkaCluster,
    head: takeHead,
    line: (fields) => {
      const { topic, consumer } = fields
      if (typeof topic === 'string') return takeTopic(topic, fields)
      return typeof consumer === 'string' ? takeConsumer(consumer, fields) : false
    },
    done: () => ({ clusterId, saved: { consumers, history: createEndHistory(limits, { moments, rows, topics }) } }),
  })
}

function cellsIn(bytes: Buffer): Uint32Array {
  const cells = new Uint32Array(bytes.length / 4)
  new Uint8Array(cells.buffer).set(isLittleEndian ? bytes : bytes.swap32())
  return cells
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1e6
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isStep(value: unknown): value is number {
  return isNumber(value) && value > 0
}

/** Of the wall clock. */
function isMoment(value: unknown): value is number {
  return isNumber(value) && value >= 0
}

function momentsOf(value: unknown): readonly (readonly [number, number])[] | undefined {
  if (!Array.isArray(value)) return undefined
  const moments: [number, number][] = []
  for (const pair of value) {
    if (!Array.isArray(pair) || !isMoment(pair[0]) || !isMoment(pair[1]) || pair[1] < pair[0]) return undefined
    if (moments.length > 0 && pair[1] < moments.at(-1)![1]) return undefined
    moments.push([pair[0], pair[1]])
  }
  return moments
}

const offsetForm = /^\d{1,19}$/

function offsetsOf(texts: readonly unknown[]): { readonly column: Uint32Array; readonly seen: Uint8Array } | undefined {
  const column = offsetColumn(texts.length)
  const seen = new Uint8Array(texts.length)
  for (const [index, text] of texts.entries()) {
    if (text === null) continue
    if (typeof text !== 'string' || !offsetForm.test(text)) return undefined
    setOffset(column, index, BigInt(text))
    seen[index] = 1
  }
  return { column, seen }
}

function movementOf(fields: Fields, momentOf: (at: number) => number, now: number): Movement | undefined {
  const {
    id,
    position,
    since,
    moved,
    last_at: lastAt,
    moved_at: movedAt,
    steps,
    rewinds,
    rewound_at: rewoundAt,
    waits_since: waitsSince,
    status_since: statusSince,
  } = fields
  if (!Array.isArray(position) || !Array.isArray(since) || !Array.isArray(moved) || !isMoment(lastAt)) return undefined
  if (since.length !== position.length || moved.length !== position.length) return undefined
  const offsets = offsetsOf(position)
  if (offsets === undefined) return undefined
  const movement = new Movement(now, typeof id === 'string' ? id : undefined)
  for (const [partition, at] of since.entries()) {
    if (offsets.seen[partition] === 0) continue
    if (!isMoment(at)) return undefined
    const hasMoved = moved[partition] === 1
    setRow(movement, partition, { position: offsetAt(offsets.column, partition), standsSince: momentOf(at), hasMoved })
  }
  movement.lastAt = momentOf(lastAt)
  if (isMoment(movedAt)) movement.movedAt = momentOf(movedAt)
  if (Array.isArray(steps)) for (const step of steps.filter(isStep).slice(-5)) movement.takeStep(step)
  if (isCount(rewinds)) movement.rewinds = rewinds
  if (isMoment(rewoundAt)) movement.rewoundAt = momentOf(rewoundAt)
  if (isMoment(waitsSince)) movement.waitsSince = momentOf(waitsSince)
  movement.status = statuses.find((status) => status === fields['status'])
  if (isMoment(statusSince)) movement.statusSince = momentOf(statusSince)
  return movement
}
