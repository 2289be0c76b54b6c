import { setTimeout as delay } from 'node:timers/promises'
import { createClusterCollector } from '../../src/collect/cluster-collector.ts'
import { createJudgeKeeper } from '../../src/collect/judge-keeper.ts'
import { createLogInquiry } from '../../src/collect/log-inquiry.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { createKafkaCluster } from '../../src/kafka/cluster.ts'
import { lagRows } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import type { TimeLagSource } from '../../src/model/time-lag.ts'
import { createKafkaGroups } from '../../src/positions/kafka-groups.ts'
import { systemClock as clock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createTimedLoad, type Shape, shapes, type TimedLoad } from '../loads/timed-load.ts'
import type { GroupPosition, RigClient } from '../rigs/rig-client.ts'
import { createPeerClocks, type PeerName } from './time-lag-peers.ts'

export interface TimeLagRun {
  readonly bootstrap: string
  readonly commitMany: RigClient['commitMany']
  readonly partitions: number
  readonly groups: number
  /** Records come for so long before anybody looks: positions of then lie before the history. */
  readonly headStartMs: number
  readonly cycles: number
  readonly intervalMs: number
}

/** What was compared of one shape and one source. */
export interface TimeLagResult {
  readonly shape: Shape
  readonly source: TimeLagSource | 'caught_up' | 'unknown'
  samples: number
  /** The truth lay outside what was said. */
  readonly wrong: string[]
  readonly uncertainties: number[]
  /** Seconds by which each was off, at least. */
  readonly errors: number[]
}

export interface PeerResult {
  readonly peer: PeerName
  readonly shape: Shape
  readonly errors: number[]
  missing: number
}

/** A position whose time lag had to be known and was not, whatever else kept the machine busy. */
export interface MissingTimeLag {
  readonly shape: Shape
  readonly what: string
}

/** So many cycles asked for a position that stands still: a machine that is busy lets some of them go by. */
const ASKED_CYCLES = 5

/** Wall clocks count milliseconds: broker, producer and reader may each have rounded once. */
const ROUNDING_S = 0.005

/**
 * Commits of many groups at offsets whose time of arrival is known, read cycle after cycle as the daemon does, and each time
 * lag compared with the truth.
 */
export async function compareTimeLags(run: TimeLagRun): Promise<{
  readonly results: readonly TimeLagResult[]
  /** Of positions within the history of log ends in any cycle, and in the last one of those that were asked for. */
  readonly missing: readonly MissingTimeLag[]
  readonly peers: readonly PeerResult[]
}> {
  await using load = await createTimedLoad(run.bootstrap, run.partitions)
  const ending = new AbortController()
  const producing = load.run(ending.signal)
  const cluster = createKafkaCluster({ bootstrap: [run.bootstrap], requestTimeoutMs: 5_000, clock })
  try {
    await delay(run.headStartMs)
    const { intervalMs } = run
    const inquiry = createLogInquiry({
      kafkaCluster: 'timed',
      cluster,
      intervalMs,
      lookUps: 200,
      readRecords: false,
      cold: false,
      clock,
      observer: silentObserver,
    })
    const judge = createJudgeKeeper({
      kafkaCluster: 'timed',
      windowMs: 60_000,
      intervalMs,
      inquiry,
      clock,
      logger: silentLogger,
    })
    const isOurs = (name: string): boolean => shapes.some((shape) => shape === name)
    const collector = createClusterCollector({
      kafkaCluster: 'timed',
      cluster,
      sources: [createKafkaGroups({ cluster, clock, keepConsumer: () => true, keepTopic: isOurs })],
      keepTopic: isOurs,
      intervalMs,
      noPosition: () => 'ignore',
      objectives: () => [],
      judge,
      clock,
      observer: silentObserver,
    })
    const book = createBook(load)
    for (let cycle = 0; cycle < run.cycles; cycle++) {
      const begun = clock.monotonic()
      await commitSome(load, run, cycle)
      const snapshot = await collector.cycle(ending.signal)
      book.compare(snapshot, cycle, cycle === run.cycles - 1)
      await judge.inquire(snapshot, ending.signal)
      await delay(Math.max(0, intervalMs - (clock.monotonic() - begun)))
    }
    return book
  } finally {
    ending.abort()
    await producing
    cluster.close()
  }
}

/** Group 0 stands at the start for ever, 1 in the first records, the others are some way behind the end and follow it. */
async function commitSome(
  load: TimedLoad,
  { groups, partitions, commitMany }: TimeLagRun,
  cycle: number,
): Promise<void> {
  const positions: GroupPosition[] = []
  for (let group = 0; group < groups; group++) {
    if (cycle > 0 && (group < 2 || cycle % 3 !== group % 3)) continue
    for (const topic of shapes)
      for (let partition = 0; partition < partitions; partition++) {
        const end = load.end(topic, partition)
        const behind = group === 2 ? 0 : Math.floor(Math.random() * Math.min(end, 10 * 2 ** group))
        const offset = BigInt(group < 2 ? Math.min(end, group * 7) : end - behind)
        positions.push({ group: `group-${group}`, topic, partition, offset })
      }
  }
  await commitMany(positions)
}

function createBook(load: TimedLoad) {
  const results = new Map<string, TimeLagResult>()
  const peers = createPeerClocks()
  const peerResults = new Map<string, PeerResult>()
  const missing: MissingTimeLag[] = []
  /** Where each log ended when it was read first: the history begins there, in a run that is shorter than its window. */
  const firstEnds = new Map<string, bigint>()
  /** Since which cycle a consumer stands where it does. */
  const standing = new Map<string, { readonly position: bigint; readonly since: number }>()

  function resultOf(shape: Shape, source: TimeLagResult['source']): TimeLagResult {
    const key = `${shape} ${source}`
    const known = results.get(key) ?? { shape, source, samples: 0, wrong: [], uncertainties: [], errors: [] }
    results.set(key, known)
    return known
  }

  return {
    get results() {
      return [...results.values()]
    },
    get missing() {
      return missing
    },
    get peers() {
      return [...peerResults.values()]
    },
    compare(snapshot: Snapshot, cycle: number, isLast: boolean): void {
      const read = Math.max(...snapshot.ends.evidence.map(({ receivedAt }) => receivedAt))
      const at = snapshot.takenAtWall - (snapshot.takenAt - read)
      peers.poll(snapshot, at, (shape, partition, offset) => load.appended(shape, partition, offset)?.stamp)
      for (const row of lagRows(snapshot)) {
        const shape = shapes.find((one) => one === row.topic)
        if (shape === undefined || row.position === undefined || row.recordsLag === undefined) continue
        if (row.reason !== undefined || row.logEndOffset === undefined) continue
        const { timeLag, position } = row
        const log = `${row.topic}-${row.partition}`
        const begin = firstEnds.get(log) ?? row.logEndOffset
        firstEnds.set(log, begin)
        const stands = standing.get(`${row.consumer} ${log}`)
        const since = stands?.position === position ? stands.since : cycle
        standing.set(`${row.consumer} ${log}`, { position, since })
        if (row.recordsLag === 0n) {
          const result = resultOf(shape, 'caught_up')
          result.samples++
          if (timeLag?.seconds !== 0) result.wrong.push(`${row.consumer}: caught up, and ${timeLag?.seconds} s behind`)
          continue
        }
        const truth = load.appended(shape, row.partition, Number(row.position))
        // The end of a transaction lies there, or it was not acknowledged yet.
        if (truth === undefined) continue
        const [least, most] = [(at - truth.acked) / 1_000, (at - truth.sent) / 1_000]
        const result = resultOf(shape, timeLag?.source ?? 'unknown')
        result.samples++
        for (const [peer, seconds] of peers.timeLags(shape, row.partition, Number(row.position), at)) {
          const key = `${peer} ${shape}`
          const of = peerResults.get(key) ?? { peer, shape, errors: [], missing: 0 }
          peerResults.set(key, of)
          if (seconds === undefined) of.missing++
          else of.errors.push(outside(seconds, least, most))
        }
        if (timeLag === undefined) {
          const why =
            position >= begin
              ? `within the history, which begins at ${begin}`
              : isLast && cycle - since >= ASKED_CYCLES && `asked for since cycle ${since}`
          if (why) missing.push({ shape, what: `${row.consumer} ${log} at ${position}, cycle ${cycle}: ${why}` })
          continue
        }
        result.uncertainties.push(timeLag.uncertainty)
        const error = outside(timeLag.seconds, least, most)
        result.errors.push(error)
        if (error > timeLag.uncertainty + ROUNDING_S)
          result.wrong.push(
            `${row.consumer} ${row.topic}-${row.partition} at ${row.position}: said ${timeLag.seconds} ± ${timeLag.uncertainty} s by ${timeLag.source}, truth ${least} to ${most} s`,
          )
      }
    },
  }
}

/** How far a number lies outside a range. */
function outside(value: number, least: number, most: number): number {
  return Math.max(0, least - value, value - most)
}
