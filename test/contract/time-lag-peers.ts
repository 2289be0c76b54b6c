import { offsetNumber } from '../../src/model/offsets.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { type Shape, shapes } from '../loads/timed-load.ts'

export type PeerName = 'kafka-lag-exporter' | 'klag'

interface Point {
  readonly at: number
  readonly end: number
}

interface Log {
  readonly points: Point[]
  first: Point | undefined
  last: Point | undefined
}

const MOST_POINTS = 60

/**
 * What two other exporters would say of the same trace, by their formulas.
 *
 * - kafka-lag-exporter keeps 60 pairs of log end and time of the poll, runs of one end compressed, and draws straight lines
 *   between them; outside it draws the line through the first and the last pair on.
 * - klag draws one straight line from the timestamp of the first record of the log to the latest one.
 */
export function createPeerClocks() {
  const logs = new Map<string, Log>()

  return {
    poll(
      snapshot: Snapshot,
      at: number,
      stampOf: (shape: Shape, partition: number, offset: number) => number | undefined,
    ): void {
      for (const shape of shapes) {
        const topic = snapshot.catalog.topics[snapshot.catalog.topicIndex.get(shape) ?? -1]
        for (let partition = 0; partition < (topic?.partitions ?? 0); partition++) {
          const row = topic!.firstRow + partition
          const key = `${shape} ${partition}`
          const log = logs.get(key) ?? { points: [], first: undefined, last: undefined }
          logs.set(key, log)
          const end = offsetNumber(snapshot.ends.offset, row)
          const start = offsetNumber(snapshot.starts.offset, row)
          addPoint(log.points, { at, end })
          const [first, last] = [stampOf(shape, partition, start), stampOf(shape, partition, end - 1)]
          if (first !== undefined) log.first = { at: first, end: start }
          if (last !== undefined) log.last = { at: last, end: end - 1 }
        }
      }
    },
    /** Seconds by each; undefined where it has no number. */
    timeLags(
      shape: Shape,
      partition: number,
      position: number,
      now: number,
    ): readonly [PeerName, number | undefined][] {
      const log = logs.get(`${shape} ${partition}`)
      return [
        ['kafka-lag-exporter', log && byTable(log.points, position, now)],
        ['klag', log?.first && log.last && onLine(log.first, log.last, position, now)],
      ]
    },
  }
}

function addPoint(points: Point[], point: Point): void {
  const [before, last] = [points.at(-2), points.at(-1)]
  if (last?.end === point.end && before?.end === point.end) points[points.length - 1] = point
  else points.push(point)
  if (points.length > MOST_POINTS) points.shift()
}

function byTable(points: readonly Point[], position: number, now: number): number | undefined {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || points.length < 2) return undefined
  if (position === last.end) return 0
  const right = points.findIndex(({ end }) => end > position)
  const left = points[right - 1]
  if (right > 0 && left !== undefined) return onLine(left, points[right]!, position, now)
  return onLine(first, last, position, now)
}

function onLine(one: Point, other: Point, position: number, now: number): number | undefined {
  if (other.end === one.end) return undefined
  const at = one.at + ((position - one.end) * (other.at - one.at)) / (other.end - one.end)
  return (now - at) / 1_000
}
