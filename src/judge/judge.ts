import type { Catalog, CatalogTopic } from '../model/catalog.ts'
import type { Consumer } from '../model/consumer.ts'
import { copyJudgements, isSameJudgement, type JudgementColumns } from '../model/judgements.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import type { NoPositionPolicy } from '../model/no-position-policy.ts'
import type { Objective } from '../model/objective.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { areSamplesFlat, ratesOf } from './block-samples.ts'
import { ARRIVING_MS, newBlockScan, type ScanCycle, scanBlock, skipBlock } from './block-scan.ts'
import { createEndHistory, type EndHistory, momentOf } from './end-history.ts'
import { areFloorsFlat, floorOf, type Rise, riseOf } from './floors.ts'
import type { Kept } from './headroom.ts'
import { type ConsumerMemory, forgetAbsent, movesElsewhere, takeMembers, takeMovement } from './judge-memory.ts'
import { floorsOf, type Movement, movesOf, samplesOf, takeRest } from './movement.ts'
import { slotAt } from './passing.ts'
import { type Seats, saysTheSame, seatsOf } from './seats.ts'
import { ok, type Standing, type StatusVerdict, statusOf } from './status.ts'
import { spanOf, takeScan } from './take-scan.ts'
import { createTimeLagWriter, newAge, type TimeLagWriter, type TimeQuestions } from './time-lags.ts'
import { writeJudgement } from './topic-judgement.ts'

/** Turns the numbers of cycle after cycle into a judgement: time lag, status, rates, and how far it is to a loss. */
export interface Judge {
  /**
   * Takes one cycle. Yields now and then, for others to run.
   *
   * @returns the parts with their time lags and what is thought of each block
   */
  judge(input: JudgeInput): Generator<void, readonly SnapshotPart[]>
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
/** A block that rests is looked at so often all the same: what nobody meets for a day is forgotten. */
const LOOK_EVERY = 16

export function createJudge({ windowMs: leastWindowMs, intervalMs }: JudgeOptions, saved?: SavedJudge): Judge {
  const history = saved?.history ?? createEndHistory()
  const consumers = new Map<string, ConsumerMemory>(saved?.consumers ?? [])
  const scan = newBlockScan()
  const age = newAge()
  const arrived = { records: 0, since: 0 }
  /** Where the window of most begins in the history of the cycle. */
  let windowFrom = -1
  /** Of the parts of the last cycle. */
  let seats: readonly Seats[] = []
  let catalogBefore: Catalog | undefined
  let lastAt: number | undefined
  let cycles = 0

  function* judge(input: JudgeInput): Generator<void, readonly SnapshotPart[]> {
    yield* history.take(input)
    const { starts, ends, now, noPosition } = input
    const passed = lastAt === undefined ? 0 : now - lastAt
    const cycle: ScanCycle = {
      starts,
      ends,
      history,
      now,
      at: momentOf(ends)?.readAt ?? now,
      // Longer away, and it has been added to all that stands.
      elapsed: Math.min(passed, 2 * intervalMs),
      noPosition,
      questions: input,
      age,
      arrived,
      arrivingFrom: slotAt(history.slots, now - ARRIVING_MS),
    }
    windowFrom = slotAt(history.slots, now - leastWindowMs)
    // Otherwise each block is looked at: its topic may be another one, or time has passed that nobody saw.
    const mayRest = input.catalog === catalogBefore && !input.recreated.includes(1) && passed <= 2 * intervalMs
    seats = yield* seatsOf(seats, input.parts, consumers)
    const parts: SnapshotPart[] = []
    for (const [index, part] of input.parts.entries())
      parts.push(yield* judgePart(part, seats[index]!, mayRest, input, cycle))
    catalogBefore = input.catalog
    if (cycles++ % FORGET_EVERY === 0) yield* forgetAbsent(consumers, now)
    lastAt = now
    return parts
  }

  return { judge, history, consumers: () => consumers }

  function* judgePart(
    part: SnapshotPart,
    its: Seats,
    mayRest: boolean,
    input: JudgeInput,
    cycle: ScanCycle,
  ): Generator<void, SnapshotPart> {
    const { batch } = part
    const { part: before, judgements: thoughtBefore, movements, restsUntil, turn } = its
    const { now } = input
    const writer = createTimeLagWriter(batch.partition.length)
    const judgements = copyJudgements(thoughtBefore)
    let rows = ROWS_PER_STEP
    let last = -1
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      rows += batch.blockFirst[block + 1]! - batch.blockFirst[block]! + 8
      if (rows >= ROWS_PER_STEP) {
        yield
        rows = 0
      }
      const index = batch.blockConsumer[block]!
      const consumer = batch.consumers[index]!
      const memory = its.consumers[index]!
      if (index !== last && before.batch.consumers[index] !== consumer) takeMembers(memory, consumer)
      last = index
      const until = restsUntil[block]!
      if (until > 0) {
        if (mayRest && (turn[block]! + cycles) % LOOK_EVERY > 0 && saysTheSame(before, block, part, block)) {
          restsUntil[block] = now
          continue
        }
        takeRest(movements[block]!, until)
      }
      const movement = movementOf(part, block, memory, movements[block], input)
      movements[block] = movement
      judgeBlock({ part, block, consumer, memory, movement, input, cycle, writer, judgements })
      const isSame = isSameJudgement(thoughtBefore, block, judgements, block)
      restsUntil[block] = isSame && rests(movement, now) ? now : 0
    }
    const judged =
      batch.holds === 'position' ? { ...part, timeLags: writer.done(), judgements } : { ...part, judgements }
    its.part = judged
    its.judgements = judgements
    return judged
  }

  function movementOf(
    { batch, catalogTopic }: SnapshotPart,
    block: number,
    memory: ConsumerMemory,
    known: Movement | undefined,
    { catalog, recreated, now }: JudgeInput,
  ): Movement {
    const { name } = batch.topics[batch.blockTopic[block]!]!
    const index = catalogTopic[batch.blockTopic[block]!]!
    const topic = catalog.topics[index]
    return takeMovement(memory, known, name, topic?.id, topic !== undefined && recreated[index] === 1, now, intervalMs)
  }

  /** Nothing to read and nothing that came, for so long that nothing of the judgement would change by itself. */
  function rests(movement: Movement, now: number): boolean {
    return (
      movement.status === 'ok' &&
      scan.isWhole &&
      !scan.isBehind &&
      areFloorsFlat(movement.numbers, floorsOf) &&
      areSamplesFlat(movement.numbers, samplesOf, scan.positions, scan.ends, now - spanOf(movement))
    )
  }

  function judgeBlock({ part, block, consumer, memory, movement, input, cycle, writer, judgements }: BlockInput): void {
    const { now, wall } = input
    const { batch } = part
    const name = batch.topics[batch.blockTopic[block]!]!.name
    const index = part.catalogTopic[batch.blockTopic[block]!]!
    const topic = input.catalog.topics[index]
    const lag = part.blockComplete[block] === 1 ? part.blockLag[block]! : undefined
    const windowMs = Math.max(leastWindowMs, STRETCHES * (movement.stepMs ?? 0))
    if (topic === undefined || batch.holds !== 'position') skipBlock(scan, topic !== undefined && lag === 0)
    else {
      // Nobody asks how old nothing is.
      const ends = lag === 0 ? undefined : history.topicIn(input.catalog, index)
      const kept = lag === 0 ? undefined : input.kept(topic)
      const from = windowMs === leastWindowMs ? windowFrom : slotAt(history.slots, now - windowMs)
      const { name: its } = consumer
      scanBlock(
        scan,
        { part, block, consumer: its, topic, ends, kept, movement, windowMs, windowFrom: from, writer },
        cycle,
      )
    }
    if (topic !== undefined)
      takeScan(movement, scan, { kind: consumer.kind, holds: batch.holds, lag, now, stretchMs: windowMs / STRETCHES })
    const { positions, ends, isWhole } = scan
    const rates = isWhole
      ? ratesOf(movement.numbers, samplesOf, movesOf, { at: now, positions, ends }, movement.stepMs ?? 0)
      : undefined
    const isRewound = now - movement.rewoundAt < windowMs
    const rise = lag === 0 ? undefined : riseOf(movement.numbers, floorsOf)
    // Of those that have read all there is no more to be said, and they are most.
    const verdict =
      lag === 0 && !isRewound ? ok : verdictOf({ name, lag, rise, windowMs, movement, consumer, memory, input })
    if (movement.status !== verdict.status) {
      movement.status = verdict.status
      movement.statusSince = now
    }
    writeJudgement(judgements, block, { scan, movement, verdict, lag, rates, rise, now, wall })
  }

  function verdictOf({ name, lag, rise, windowMs, movement, consumer, memory, input }: VerdictInput): StatusVerdict {
    const { now } = input
    const isJobRunning = input.isJobRunning(consumer.name)
    return statusOf({
      now,
      windowMs,
      standing: standingOf(),
      hasMoved: movement.hasMoved,
      movesElsewhere: movesElsewhere(memory, movement, now - windowMs),
      rewoundAt: movement.rewoundAt,
      members: memory.members,
      hadMembers: memory.hadMembers,
      isJob: consumer.kind === 'flink' || isJobRunning !== undefined,
      isJobRunning,
      // A share group's lag has no teeth.
      floor: floorOf(movement.numbers, floorsOf, movement.stepMs !== undefined || consumer.kind === 'share'),
      rise,
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
  readonly movement: Movement
  readonly input: JudgeInput
  readonly cycle: ScanCycle
  readonly writer: TimeLagWriter
  readonly judgements: JudgementColumns
}

interface VerdictInput extends Pick<BlockInput, 'consumer' | 'memory' | 'input'> {
  readonly name: string
  readonly lag: number | undefined
  readonly rise: Rise | undefined
  readonly windowMs: number
  readonly movement: Movement
}
