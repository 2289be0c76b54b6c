import { offsetAt } from '../model/offsets.ts'
import type { EndHistory, TopicEnds } from './end-history.ts'
import { type EndRows, UNKNOWN } from './end-rows.ts'
import { type EndSlots, shrinkSlots } from './end-slots.ts'
import type { Judge } from './judge.ts'
import { type Movement, partitionsOf, rowOf } from './movement.ts'

/** The offset of the monotonic clock from the wall clock, for moments that outlive a process. */
export interface Clocks {
  readonly now: number
  readonly wall: number
}

/** More would take seconds to write, and old moments are the least of it. */
export const MOST_CELLS = 12e6
export const VERSION = 1

/**
 * What a later process needs to go on judging, as lines of JSON. Moments are milliseconds of the wall clock.
 *
 *     {"lagkeeper":"history","version":1,"kafka_cluster":"main","cluster_id":"…","rows":2,"moments":[[1700000000000,1700000000012]]}
 *     {"topic":"orders","id":"…","partitions":2,"base":["100","0"],"ends":"<base64>"}
 *     {"consumer":"billing","had_members":true,"topics":{"orders":{"id":"…","position":["120",null],"since":[…],"moved":[1,0]}}}
 *     {"lines":3}
 *
 * `rows` are the partitions of all topics. `ends` are 32-bit numbers, little end first: records above the base, moment
 * after moment, partition after partition; 2³² − 1 where the end was not known. `since` is since when a position has not
 * moved although there was something to read. A consumer also has `status`, `status_since`, `last_at`, `moved_at`,
 * `waits_since`, `steps`, `rewinds` and `rewound_at`, where there is something to tell.
 */
export function* judgeLines(
  judge: Judge,
  head: { readonly kafkaCluster: string; readonly clusterId: string | undefined },
  { now, wall }: Clocks,
  mostCells: number = MOST_CELLS,
): Generator<string> {
  const wallOf = (moment: number): number => Math.round(wall - (now - moment))
  const { history } = judge
  const topics = [...history.entries()]
  const { rows } = history
  const count = topics.reduce((sum, [, { partitions }]) => sum + partitions, 0)
  const slots = shrinkSlots(history.slots, Math.max(2, Math.floor(mostCells / Math.max(1, count))), now)
  let lines = 1
  yield line({
    lagkeeper: 'history',
    version: VERSION,
    kafka_cluster: head.kafkaCluster,
    cluster_id: head.clusterId,
    rows: count,
    moments: slots.moments.map(({ askedAt, readAt }) => [wallOf(askedAt), wallOf(readAt)]),
  })
  for (const [name, topic] of topics) {
    yield line({
      topic: name,
      id: topic.id,
      partitions: topic.partitions,
      base: basesOf(topic, rows),
      ends: textOf(cellsOf(topic, rows, slots, lostSlots(history, rows, slots))),
    })
    lines++
  }
  for (const [consumer, { hadMembers, topics: movements }] of judge.consumers()) {
    yield line({
      consumer,
      ...(hadMembers ? { had_members: true } : {}),
      topics: Object.fromEntries([...movements].map(([name, movement]) => [name, fieldsOf(movement, wallOf)])),
    })
    lines++
  }
  yield line({ lines })
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

function basesOf({ first, partitions }: TopicEnds, { base, seen }: EndRows): readonly (string | null)[] {
  return Array.from({ length: partitions }, (_, partition) =>
    seen[first + partition] === 1 ? String(offsetAt(base, first + partition)) : null,
  )
}

/** Cycles come while the lines are written, and give columns to other moments: these are not known any more. */
function lostSlots(history: EndHistory, rows: EndRows, { moments }: EndSlots): readonly number[] {
  const now = new Set(history.slots.moments)
  return [...moments.keys()].filter((slot) => history.rows !== rows || !now.has(moments[slot]!))
}

function cellsOf(
  { first, partitions }: TopicEnds,
  { columns }: EndRows,
  { column }: EndSlots,
  lost: readonly number[],
): Uint32Array {
  const kept = new Uint32Array(column.length * partitions)
  for (const [index, from] of column.entries())
    kept.set(columns[from]!.subarray(first, first + partitions), index * partitions)
  for (const slot of lost) kept.fill(UNKNOWN, slot * partitions, (slot + 1) * partitions)
  return kept
}

/** In the file the little end comes first, as it does in nearly all memories. */
export const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** The cells are not to be used again. */
function textOf(cells: Uint32Array): string {
  const bytes = Buffer.from(cells.buffer, cells.byteOffset, cells.byteLength)
  return (isLittleEndian ? bytes : bytes.swap32()).toString('base64')
}

function fieldsOf(movement: Movement, wallOf: (moment: number) => number): object {
  const { topicId, lastAt, movedAt, waitsSince, steps, rewinds, rewoundAt } = movement
  const rows = Array.from({ length: partitionsOf(movement) }, (_, partition) => rowOf(movement, partition))
  return {
    id: topicId,
    position: rows.map((row) => (row === undefined ? null : String(row.position))),
    since: rows.map((row) => (row === undefined ? null : wallOf(row.standsSince))),
    moved: rows.map((row) => (row?.hasMoved === true ? 1 : 0)),
    last_at: wallOf(lastAt),
    waits_since: wallOf(waitsSince),
    ...(Number.isNaN(movedAt) ? {} : { moved_at: wallOf(movedAt) }),
    ...(steps.length === 0 ? {} : { steps: steps.map(Math.round) }),
    ...(rewinds === 0 ? {} : { rewinds }),
    ...(Number.isNaN(rewoundAt) ? {} : { rewound_at: wallOf(rewoundAt) }),
    ...(movement.status === undefined ? {} : { status: movement.status, status_since: wallOf(movement.statusSince) }),
  }
}
