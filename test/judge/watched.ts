import { isDeepStrictEqual } from 'node:util'
import { createJudge, type Judge, type JudgeInput, type SavedJudge } from '../../src/judge/judge.ts'
import { rowOf } from '../../src/judge/movement.ts'
import { recreatedTopics } from '../../src/lag/align.ts'
import { type JoinInput, join } from '../../src/lag/join.ts'
import { indexPrevious } from '../../src/lag/previous.ts'
import type { ConsumerKind } from '../../src/model/consumer.ts'
import type { TopicJudgement } from '../../src/model/judgement.ts'
import { judgementAt } from '../../src/model/judgements.ts'
import type { Objective } from '../../src/model/objective.ts'
import { type Reason, reasonCode } from '../../src/model/reason.ts'
import type { Snapshot, SnapshotPart } from '../../src/model/snapshot.ts'
import { fakeBatch, fakeLogs, fakeSnapshot } from '../fakes/columns.ts'

/** Positions by consumer, topic and partition. */
type Positions = Readonly<Record<string, Readonly<Record<string, Readonly<Record<number, number | Reason>>>>>>

/** What one cycle sees. */
export interface Seen {
  /** Log ends by topic and partition. */
  readonly ends: Readonly<Record<string, readonly (number | Reason)[]>>
  /** Log starts; 0 when absent. */
  readonly starts?: Readonly<Record<string, readonly number[]>>
  readonly ids?: Readonly<Record<string, string>>
  /** Of one answer, or of several. */
  readonly positions: Positions | readonly Positions[]
  readonly members?: Readonly<Record<string, number>>
  readonly kind?: ConsumerKind
  /** The positions are lags that a broker told. */
  readonly isLag?: boolean
  /** Rows with a lag of 1 are suspected to be the end of a transaction. */
  readonly isSuspected?: boolean
}

export interface WatchOptions extends Partial<Pick<JudgeInput, 'isJobRunning' | 'kept' | 'lookUp'>> {
  readonly windowMs?: number
  readonly intervalMs?: number
  readonly objectives?: readonly Objective[]
  readonly saved?: SavedJudge
  /** Each block is looked at in every cycle, as if the metadata were always new. */
  readonly isRestless?: boolean
  /** Wall clock minus monotonic clock. */
  readonly wallOffset?: number | (() => number)
}

export const INTERVAL = 15_000
const WALL = 1_700_000_000_000

/** A daemon that judges cycle after cycle, at moments that a test gives. */
export function watch(options: WatchOptions = {}) {
  const { windowMs = 600_000, intervalMs = INTERVAL, objectives = [], wallOffset = WALL } = options
  const judge: Judge = createJudge({ windowMs, intervalMs }, options.saved)
  let snapshot: Snapshot | undefined
  return {
    judge,
    /** One cycle whose log ends were read at this moment, in milliseconds. */
    see(
      at: number,
      { ends, starts = {}, ids = {}, positions, members = {}, kind, isSuspected, isLag }: Seen,
    ): readonly SnapshotPart[] {
      const seen = fakeLogs(
        Object.entries(ends).map(([name, of]) => ({
          name,
          ...(ids[name] === undefined ? {} : { id: ids[name] }),
          start: of.map((_, partition) => BigInt(starts[name]?.[partition] ?? 0)),
          end: of.map((end) => (typeof end === 'number' ? BigInt(end) : end)),
        })),
        at - 1,
      )
      // Metadata that says nothing new stays the same object.
      const same =
        options.isRestless !== true &&
        snapshot !== undefined &&
        isDeepStrictEqual(seen.catalog.topics, snapshot.catalog.topics)
      const logs = same ? { ...seen, catalog: snapshot!.catalog } : seen
      const previous = snapshot === undefined ? undefined : indexPrevious(snapshot)
      const before = snapshot?.catalog ?? logs.catalog
      const recreated = recreatedTopics(logs.catalog, before, new Uint8Array(logs.catalog.topics.length))
      const input: JoinInput = { ...logs, recreated, previous, holdSince: at - 90_000, noPosition: () => 'ignore' }
      const answers = isSeveral(positions) ? positions : [positions]
      const joined = answers.map((answer) => {
        const batch = fakeBatch(exact(answer), at - 2)
        const consumers = batch.consumers.map((one) => ({
          ...one,
          ...(kind === undefined ? {} : { kind }),
          ...(members[one.name] === undefined ? {} : { members: members[one.name]! }),
        }))
        const part = join({ ...batch, ...(isLag === true ? { holds: 'lag' as const } : {}), consumers }, input)
        if (isSuspected === true)
          for (const [row, lag] of part.lag.entries())
            if (lag === 1) part.reason[row] = reasonCode('control_records_suspected')
        return part
      })
      const parts = run(
        judge.judge({
          ...logs,
          recreated,
          parts: joined,
          noPosition: () => 'ignore',
          now: at,
          wall: at + (typeof wallOffset === 'number' ? wallOffset : wallOffset()),
          objectives: (consumer, topic) => objectives.filter((one) => one.consumer === consumer && one.topic === topic),
          isJobRunning: options.isJobRunning ?? (() => undefined),
          kept: options.kept ?? (() => undefined),
          ...(options.lookUp === undefined ? {} : { lookUp: options.lookUp }),
        }),
      )
      snapshot = fakeSnapshot(logs, parts, at)
      return parts
    },
    snapshot: () => snapshot!,
    of: (consumer: string, topic: string): TopicJudgement => {
      for (const { batch, judgements } of snapshot!.parts) {
        const block = batch.blockConsumer.findIndex(
          (index, at) =>
            batch.consumers[index]!.name === consumer && batch.topics[batch.blockTopic[at]!]!.name === topic,
        )
        if (judgements !== undefined && block >= 0) return judgementAt(judgements, block)
      }
      throw new Error(`nothing is thought of "${consumer}" on "${topic}"`)
    },
  }
}

/** What is remembered of a consumer on a topic, but for what follows from it. */
export function remembered(judge: Judge, consumer: string, topic: string) {
  const movement = judge.consumers().get(consumer)?.topics.get(topic)
  if (movement === undefined) return undefined
  const { topicId, lastAt, movedAt, waitsSince, steps, rewinds, rewoundAt } = movement
  const rows = [0, 1, 2].map((partition) => rowOf(movement, partition))
  return { topicId, lastAt, movedAt, waitsSince, steps, rewinds, rewoundAt, rows }
}

export function run<T>(steps: Generator<void, T>): T {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

function isSeveral(positions: Seen['positions']): positions is readonly Positions[] {
  return Array.isArray(positions)
}

function exact(positions: Positions): Parameters<typeof fakeBatch>[0] {
  return Object.fromEntries(
    Object.entries(positions).map(([consumer, topics]) => [
      consumer,
      Object.fromEntries(
        Object.entries(topics).map(([topic, rows]) => [
          topic,
          Object.fromEntries(
            Object.entries(rows).map(([partition, at]) => [partition, typeof at === 'number' ? BigInt(at) : at]),
          ),
        ]),
      ),
    ]),
  )
}
