import { type Catalog, topicNamed } from '../model/catalog.ts'
import { newTrend, type Trend } from './deltas.ts'

/** The rows of one side of the logs as the last cycle had them; what the next one is told as differences to. */
export interface LogState {
  readonly offset: Uint32Array
  readonly epoch: Int32Array
  readonly reason: Uint8Array
  /** Name of the answer as a number of a text, plus 1; 0 for none. */
  readonly answer: Int32Array
  /** Of the offsets; goes with the rows from cycle to cycle. */
  readonly trend: Trend
}

export function emptyLogState(rows: number): LogState {
  return {
    offset: new Uint32Array(rows * 2),
    epoch: new Int32Array(rows),
    reason: new Uint8Array(rows),
    answer: new Int32Array(rows),
    trend: newTrend(rows),
  }
}

/** The state at the rows of another catalog: topics keep theirs by name, what is new begins with 0. */
export function realignState(state: LogState, from: Catalog, to: Catalog): LogState {
  const moved = emptyLogState(to.rows)
  for (const topic of to.topics) {
    const before = topicNamed(from, topic.name)
    if (before === undefined) continue
    const [first, end] = [before.firstRow, before.firstRow + Math.min(before.partitions, topic.partitions)]
    moved.offset.set(state.offset.subarray(first * 2, end * 2), topic.firstRow * 2)
    moved.epoch.set(state.epoch.subarray(first, end), topic.firstRow)
    moved.reason.set(state.reason.subarray(first, end), topic.firstRow)
    moved.answer.set(state.answer.subarray(first, end), topic.firstRow)
    moved.trend.moved.set(state.trend.moved.subarray(first, end), topic.firstRow)
    moved.trend.expected.set(state.trend.expected.subarray(first, end), topic.firstRow)
  }
  return moved
}
