import type { Catalog } from '../model/catalog.ts'
import { consumerName } from '../model/consumer.ts'
import type { Evidence } from '../model/evidence.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import { isZookeeperError } from '../zookeeper/errors.ts'
import { createTreeReader } from '../zookeeper/tree-read.ts'
import type { PositionSource } from './position-source.ts'
import { type OffsetAnswer, zookeeperBatch } from './zookeeper-batch.ts'
import { createGroupReader, type GroupsFound, offsetsPath, type ZookeeperGroup } from './zookeeper-groups.ts'
import { readOffset } from './zookeeper-offset.ts'
import { consumerProblem, directoryProblems, failureOf, offsetProblems, sourceProblem } from './zookeeper-problems.ts'

export interface ZookeeperOffsetsOptions {
  /** Reads below the chroot of the Kafka cluster; somebody else runs it. It should read from read-only servers too. */
  readonly zookeeper: Zookeeper
  /** `host:port,…/chroot`, for messages and evidence. */
  readonly connect: string
  readonly clock: Clock
  readonly keepConsumer: (name: string) => boolean
  readonly keepTopic: (name: string) => boolean
  /** How long one reading may take. */
  readonly deadlineMs: number
}

export interface ZookeeperOffsets extends PositionSource {
  /** Groups of the last look, with or without offsets in ZooKeeper: those of the others may be in Kafka. */
  groups(): readonly string[]
}

/** How long to wait for a connection: longer when there has never been one, since the client has just started. */
const FIRST_CONNECTION_MS = 3_000
const CONNECTION_MS = 500
/** Offsets that are asked for in one go: paths of more would take too long to make. */
const PORTION = 5_000

/** What one look at ZooKeeper brought. */
interface Look {
  readonly found: GroupsFound
  readonly offsets: ReadonlyMap<string, OffsetAnswer>
  /** Those that say nothing. */
  readonly bad: ReadonlyMap<string, OffsetAnswer>
  readonly sentAt: number
  readonly receivedAt: number
  /** False: the server at hand is cut off from its ensemble, and what it has may be old. */
  readonly isCurrent: boolean
}

/**
 * Positions that Kafka's old consumer (0.8 to 1.1) keeps in ZooKeeper, in
 * `/consumers/<group>/offsets/<topic>/<partition>`. A group without an offset there is none of this source, even when
 * `/consumers/<group>` exists: so it does when its offsets are in Kafka.
 *
 * Nothing is ever written. A cycle reads the stat of each directory and every offset; directories are listed when they
 * have changed. A watch on each offset would fire at every commit of every consumer.
 */
export function createZookeeperOffsets(options: ZookeeperOffsetsOptions): ZookeeperOffsets {
  const { zookeeper, clock, connect } = options
  const keepGroup = (id: string): boolean => options.keepConsumer(consumerName(id))
  const groups = createGroupReader({ zookeeper, keepGroup, keepTopic: options.keepTopic })
  const reader = createTreeReader(zookeeper)
  /** Consumers of the last complete look. */
  let known: ReadonlySet<string> = new Set()
  let names: readonly string[] = []
  let hasConnected = false

  /** Later reads see what was committed before now, whichever server we are at. False: it is cut off and cannot say. */
  async function catchUp(signal: AbortSignal): Promise<boolean> {
    const isConnected = zookeeper.state() === 'connected'
    const waitMs = hasConnected ? CONNECTION_MS : FIRST_CONNECTION_MS
    try {
      await zookeeper.sync('/', { signal, ...(isConnected ? {} : { timeoutMs: Math.min(waitMs, options.deadlineMs) }) })
      return true
    } catch (error) {
      if (!isZookeeperError(error, 'NOT_READ_ONLY')) throw error
      return false
    } finally {
      hasConnected ||= zookeeper.state() === 'connected'
    }
  }

  async function look(signal: AbortSignal): Promise<Look> {
    const sentAt = clock.monotonic()
    const isCurrent = await catchUp(signal)
    const found = await groups.read(signal)
    const offsets = new Map<string, OffsetAnswer>()
    const bad = new Map<string, OffsetAnswer>()
    for (const paths of portions(found.groups)) {
      await reader.readData(paths, { signal }, (result) => {
        // What a server says that is cut off may be old: the partitions are known then, their positions are not.
        const code = result.type === 'data' ? 'NOT_READ_ONLY' : result.code
        const answer: OffsetAnswer =
          result.type === 'data' && isCurrent ? readOffset(result.data) : { kind: 'error', code }
        offsets.set(result.path, answer)
        if (answer.kind === 'error' || answer.kind === 'nonsense') bad.set(result.path, answer)
      })
    }
    return { found, offsets, bad, sentAt, receivedAt: clock.monotonic(), isCurrent }
  }

  return {
    name: 'zookeeper-offsets',
    groups: () => names,
    collect: async (catalog, signal) => {
      let result: Look
      try {
        result = await withDeadline(`Read the offsets in ZooKeeper "${connect}"`, options.deadlineMs, signal, look)
      } catch (error) {
        if (signal.aborted || error instanceof InvariantError) throw error
        const [reason, why] = [failureOf(error), describeError(error)]
        // Of these nothing is known now: they had offsets here.
        const missed = [...known].map((consumer) => consumerProblem(connect, consumer, reason, why))
        return { batches: [], problems: [sourceProblem(connect, reason, why), ...missed] }
      }
      return asFound(result, catalog, signal)
    },
  }

  async function asFound(
    { found, offsets, bad, sentAt, receivedAt, isCurrent }: Look,
    catalog: Catalog,
    signal: AbortSignal,
  ): Promise<{ readonly batches: readonly PositionBatch[]; readonly problems: readonly Problem[] }> {
    const evidence: Evidence = {
      from: connect,
      api: 'ZooKeeper getData',
      version: 0,
      correlation: 0,
      sentAt,
      receivedAt,
      code: 0,
    }
    const stale = sourceProblem(connect, 'stale', 'the server is cut off from its ensemble, and may be behind')
    const problems = [
      ...(isCurrent ? [] : [stale]),
      ...directoryProblems(connect, found, (consumer) => known.has(consumer)),
      ...offsetProblems(connect, bad),
    ]
    const { groups: withOffsets } = found
    names = found.names
    known = new Set([
      ...withOffsets.map(({ id }) => consumerName(id)),
      ...problems.flatMap((one) => one.consumer ?? []),
    ])
    if (withOffsets.length === 0) return { batches: [], problems }
    const answerAt = (path: string): OffsetAnswer | undefined => offsets.get(path)
    return { batches: [await zookeeperBatch(withOffsets, answerAt, evidence, catalog, signal)], problems }
  }
}

/** The paths of all offsets. */
function* portions(groups: readonly ZookeeperGroup[]): Generator<readonly string[]> {
  let paths: string[] = []
  for (const { id, committed } of groups)
    for (const [topic, partitions] of committed) {
      for (const partition of partitions) paths.push(offsetsPath(id, topic, partition))
      if (paths.length < PORTION) continue
      yield paths
      paths = []
    }
  if (paths.length > 0) yield paths
}
