import type { Catalog, CatalogTopic } from '../model/catalog.ts'
import type { Consumer } from '../model/consumer.ts'
import { type ConsumerJudgement, type Judgements, type Status, type TopicJudgement, worse } from '../model/judgement.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import type { Objective } from '../model/objective.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { ratesOf } from './block-samples.ts'
import { newBlockScan, type ScanCycle, scanBlock, skipBlock } from './block-scan.ts'
import { createEndHistory, type EndHistory, momentOf } from './end-history.ts'
import type { Kept } from './headroom.ts'
import { type ConsumerMemory, forgetAbsent, movesElsewhere, takeConsumer, takeMovement } from './judge-memory.ts'
import type { Movement } from './movement.ts'
import { ok, type Standing, type StatusVerdict, statusOf } from './status.ts'
import { takeScan } from './take-scan.ts'
import { createTimeLagWriter, newAge, type TimeLagWriter, type TimeQuestions } from './time-lags.ts'
import { topicJudgement } from './topic-judgement.ts'

/** Turns the numbers of cycle after cycle into a judgement: time lag, status, rates, and how far it is to a loss. */
export interface Judge {
  /**
   * Takes one cycle. Yields now and then, for others to run.
   *
   * @returns the parts with their time lags, and what is thought of each consumer
   */
  judge(input: JudgeInput): Generator<void, Judged>
  readonly history: EndHistory
  consumers(): ReadonlyMap<string, ConsumerMemory>
}

export interface JudgeInput extends TimeQuestions {
  readonly catalog: Catalog
  readonly starts: LogOffsetColumn
  readonly ends: LogOffsetColumn
  /** By catalog topic, from `recreatedTopics`. */
  readonly recreated: Uint8Array
  readonly parts: readonly SnapshotPart[]
  readonly noPosition: (consumer: string) => NoPositionPolicy
  /** Milliseconds of the monotonic clock, and of the wall clock, now. */
  readonly now: number
  readonly wall: number
  readonly objectives: (consumer: string, topic: string) => readonly Objective[]
  /** Whether the job runs whose consumer this is; undefined for others, and when not known. */
  readonly isJobRunning: (consumer: string) => boolean | undefined
  /** What the topic keeps; undefined when not known. */
  readonly kept: (topic: CatalogTopic) => Kept | undefined
}

export interface Judged {
  readonly parts: readonly SnapshotPart[]
  readonly judgements: Judgements
}

export interface JudgeOptions {
  readonly windowMs: number
  /** Cycles are so far apart. */
  readonly intervalMs: number
}

export interface SavedJudge {
  readonly history: EndHistory
  readonly consumers: ReadonlyMap<string, ConsumerMemory>
}

/** The window spans so many commits, each stretch of a floor one. */
const STRETCHES = 3
const ROWS_PER_STEP = 2_048
const FORGET_EVERY = 100

export function createJudge({ windowMs: leastWindowMs, intervalMs }: JudgeOptions, saved?: SavedJudge): Judge {
  const history = saved?.history ?? createEndHistory()
  const consumers = new Map<string, ConsumerMemory>(saved?.consumers ?? [])
  const scan = newBlockScan()
  const age = newAge()
  let lastAt: number | undefined
  let cycles = 0

  function* judge(input: JudgeInput): Generator<void, Judged> {
    yield* history.take(input)
    const { starts, ends, now, noPosition } = input
    const cycle: ScanCycle = {
      starts,
      ends,
      history,
      now,
      at: momentOf(ends)?.readAt ?? now,
      // Longer away, and it has been added to all that stands.
      elapsed: lastAt === undefined ? 0 : Math.min(now - lastAt, 2 * intervalMs),
      noPosition,
      questions: input,
      age,
    }
    const judgements = new Map<string, ConsumerJudgement>()
    const parts: SnapshotPart[] = []
    for (const part of input.parts) parts.push(yield* judgePart(part, input, cycle, judgements))
    if (cycles++ % FORGET_EVERY === 0) yield* forgetAbsent(consumers, now)
    lastAt = now
    return { parts, judgements }
  }

  return { judge, history, consumers: () => consumers }

  /** The blocks of a consumer follow each other. */
  function* judgePart(
    part: SnapshotPart,
    input: JudgeInput,
    cycle: ScanCycle,
    judgements: Map<string, ConsumerJudgement>,
  ): Generator<void, SnapshotPart> {
    const { batch } = part
    const writer = createTimeLagWriter(batch.partition.length)
    let rows = ROWS_PER_STEP
    for (let block = 0; block < batch.blockConsumer.length; ) {
      const index = batch.blockConsumer[block]!
      const consumer = batch.consumers[index]!
      const memory = takeConsumer(consumers, consumer)
      const topics: string[] = []
      const thoughts: TopicJudgement[] = []
      for (; batch.blockConsumer[block] === index; block++) {
        rows += batch.blockFirst[block + 1]! - batch.blockFirst[block]! + 8
        if (rows >= ROWS_PER_STEP) {
          yield
          rows = 0
        }
        topics.push(batch.topics[batch.blockTopic[block]!]!.name)
        thoughts.push(judgeBlock({ part, block, consumer, memory, input, cycle, writer }))
      }
      const judgement = together(memory.told, topics, thoughts, judgements.get(consumer.name))
      memory.told = judgement
      judgements.set(consumer.name, judgement)
    }
    return batch.holds === 'position' ? { ...part, timeLags: writer.done() } : part
  }

  function judgeBlock({ part, block, consumer, memory, input, cycle, writer }: BlockInput): TopicJudgement {
    const { now, wall } = input
    const { batch } = part
    const name = batch.topics[batch.blockTopic[block]!]!.name
    const index = part.catalogTopic[batch.blockTopic[block]!]!
    const topic = input.catalog.topics[index]
    const isRecreated = topic !== undefined && input.recreated[index] === 1
    const movement = takeMovement(memory, name, topic?.id, isRecreated, now, intervalMs)
    const lag = part.blockComplete[block] === 1 ? part.blockLag[block]! : undefined
    const windowMs = Math.max(leastWindowMs, STRETCHES * (movement.stepMs ?? 0))
    if (topic === undefined || batch.holds !== 'position') skipBlock(scan, topic !== undefined && lag === 0)
    else {
      // Nobody asks how old nothing is.
      const ends = lag === 0 ? undefined : history.topic(name)
      const kept = lag === 0 ? undefined : input.kept(topic)
      scanBlock(scan, { part, block, topic, ends, kept, movement, windowMs, writer }, cycle)
    }
    if (topic !== undefined)
      takeScan(movement, scan, { kind: consumer.kind, holds: batch.holds, lag, now, stretchMs: windowMs / STRETCHES })
    const { positions, ends, isWhole } = scan
    const rates = isWhole
      ? ratesOf(movement.samples, movement.moves, { at: now, positions, ends }, movement.stepMs ?? 0)
      : undefined
    const isRewound = movement.rewoundAt !== undefined && now - movement.rewoundAt < windowMs
    // Of those that have read all there is no more to be said, and they are most.
    const verdict = lag === 0 && !isRewound ? ok : verdictOf({ name, lag, windowMs, movement, consumer, memory, input })
    if (movement.status !== verdict.status) {
      movement.status = verdict.status
      movement.statusSince = now
    }
    movement.told = topicJudgement({ scan, movement, verdict, lag, rates, now, wall })
    return movement.told
  }

  function verdictOf({ name, lag, windowMs, movement, consumer, memory, input }: VerdictInput): StatusVerdict {
    const { now } = input
    const isJobRunning = input.isJobRunning(consumer.name)
    return statusOf({
      now,
      windowMs,
      standing: standingOf(),
      hasMoved: movement.movedAt !== undefined,
      movesElsewhere: movesElsewhere(memory, movement, now - windowMs),
      rewoundAt: movement.rewoundAt,
      members: memory.members,
      hadMembers: memory.hadMembers,
      isJob: consumer.kind === 'flink' || isJobRunning !== undefined,
      isJobRunning,
      floors: movement.floors,
      // A share group's lag has no teeth.
      isStepKnown: movement.stepMs !== undefined || consumer.kind === 'share',
      isLosing: scan.isLosing,
      timeLagAtLeast: scan.least / 1_000,
      lag,
      objectives: input.objectives(consumer.name, name),
    })
  }

  function standingOf(): Standing | undefined {
    const { standing: partitions, standingLag: lag, standingMs: longestMs, arrived, hasStoppedShort } = scan
    return partitions === 0 ? undefined : { partitions, lag, longestMs, arrived, hasStoppedShort }
  }
}

interface BlockInput {
  readonly part: SnapshotPart
  readonly block: number
  readonly consumer: Consumer
  readonly memory: ConsumerMemory
  readonly input: JudgeInput
  readonly cycle: ScanCycle
  readonly writer: TimeLagWriter
}

interface VerdictInput extends Pick<BlockInput, 'consumer' | 'memory' | 'input'> {
  readonly name: string
  readonly lag: number | undefined
  readonly windowMs: number
  readonly movement: Movement
}

/**
 * What is thought of a consumer as a whole: as it was told before, when nothing changed.
 *
 * @param already of an earlier part that has topics of the same consumer
 */
function together(
  told: ConsumerJudgement | undefined,
  names: readonly string[],
  thoughts: readonly TopicJudgement[],
  already: ConsumerJudgement | undefined,
): ConsumerJudgement {
  if (already === undefined && told !== undefined && saysTheSame(told, names, thoughts)) return told
  const topics = new Map(already?.topics ?? [])
  let status: Status = already?.status ?? 'ok'
  for (const [index, name] of names.entries()) {
    const one = topics.get(name)
    const other = thoughts[index]!
    topics.set(name, one !== undefined && worse(one.status, other.status) === one.status ? one : other)
    status = worse(status, other.status)
  }
  return { status, topics }
}

function saysTheSame({ topics }: ConsumerJudgement, names: readonly string[], thoughts: readonly TopicJudgement[]) {
  if (topics.size !== names.length) return false
  for (let index = 0; index < names.length; index++) if (topics.get(names[index]!) !== thoughts[index]) return false
  return true
}
