import type { Kept } from '../judge/headroom.ts'
import type { JudgeInput } from '../judge/judge.ts'
import type { KafkaCluster } from '../kafka/cluster.ts'
import type { Catalog, CatalogTopic } from '../model/catalog.ts'
import type { LogOffsetColumn } from '../model/log-offsets.ts'
import { offsetAt } from '../model/offsets.ts'
import { KNOWN } from '../model/reason.ts'
import type { LookedUp } from '../model/time-look-up.ts'
import type { Clock } from '../runtime/clock.ts'
import { createMovingPositions } from './moving-positions.ts'
import type { CollectObserver } from './observer.ts'
import { createRetentions } from './retention.ts'
import { createTimeLookUps, type WantedTime } from './time-look-ups.ts'

export interface LogInquiryOptions {
  readonly kafkaCluster: string
  readonly cluster: KafkaCluster
  readonly intervalMs: number
  /** Positions that are looked up in a cycle; 0 for none. */
  readonly lookUps: number
  /** Read the records at these positions, where that is allowed. */
  readonly readRecords: boolean
  /** Look also into remote storage. */
  readonly cold: boolean
  readonly clock: Clock
  readonly observer: Pick<CollectObserver, 'source'>
}

/** What the log itself is asked for the sake of a judgement: when a record was appended, and how long it stays. */
export interface LogInquiry {
  /** What is known for a cycle, and takes down what its judgement would like to know. */
  answers(cycle: {
    readonly starts: LogOffsetColumn
    readonly ends: LogOffsetColumn
  }): Required<Pick<JudgeInput, 'kept' | 'lookUp'>>
  /** Asks for what was wanted, within a quarter of the interval. Rejects only on abort. */
  ask(catalog: Catalog, signal: AbortSignal): Promise<void>
}

/** Of the interval, for each of both questions; what does not fit waits for the next cycle. */
const SHARE = 0.125
/** Taken down in a cycle, as many times of what is looked up: those whose turn it is are found among them. */
const WANTED_TIMES = 4

export function createLogInquiry(options: LogInquiryOptions): LogInquiry {
  const { cluster, clock, lookUps: limit, readRecords, cold } = options
  const deadlineMs = options.intervalMs * SHARE
  const retentions = createRetentions({ cluster, clock, deadlineMs })
  const configOf = retentions.known
  const times = createTimeLookUps({ cluster, clock, limit, deadlineMs, readRecords, cold, configOf })
  const moving = createMovingPositions()
  let wanted: WantedTime[] = []

  return {
    answers: ({ starts, ends }) => {
      wanted = []
      moving.begin()
      // Of the monotonic clock, as everything else in a judgement.
      const wall = clock.wall()
      const wallAhead = wall - clock.monotonic()
      return {
        kept: ({ name }) => keptBy(configOf(name)),
        lookUp: (topic, partition, offset, index, notAfter, consumer) => {
          const position = offsetAt(offset, index)
          const found = times.known(topic, partition, position, wall)
          if (!times.isEnough(found, topic, partition, position, wall))
            takeDown(consumer, topic, partition, position, Number.isFinite(notAfter) ? notAfter + wallAhead : undefined)
          return found === undefined || 'reason' in found ? undefined : lookedUp(found, wallAhead)
        },
      }

      function takeDown(
        consumer: string,
        topic: CatalogTopic,
        partition: number,
        position: bigint,
        guess: number | undefined,
      ): void {
        const row = topic.firstRow + partition
        if (wanted.length >= limit * WANTED_TIMES || starts.reason[row] !== KNOWN) return
        const read = ends.evidence[ends.answer[row]!]
        const end = ends.reason[row] === KNOWN ? offsetAt(ends.offset, row) : position
        wanted.push({
          consumer,
          topic: topic.name,
          partition,
          position: moving.toAsk(topic.name, partition, position, end),
          start: offsetAt(starts.offset, row),
          ...(guess === undefined ? {} : { guess }),
          ...(ends.reason[row] === KNOWN && read !== undefined
            ? { end: { offset: end, at: read.receivedAt + wallAhead } }
            : {}),
        })
      }
    },
    ask: async (catalog, signal) => {
      await retentions.look(catalog, signal)
      if (wanted.length > 0) await times.look(catalog, wanted, signal)
      const problems = [...retentions.problems(), ...times.problems()]
      // Not down without them: the lag is known all the same.
      options.observer.source('kafka-times', options.kafkaCluster, {
        up: true,
        reasons: problems.map(({ reason }) => reason),
      })
    },
  }
}

function lookedUp(found: LookedUp, wallAhead: number): ReturnType<NonNullable<JudgeInput['lookUp']>> {
  // What lies behind the record was made later, or says so: only of the record itself is it known.
  const notAfter = found.isExact ? found.at : found.notAfter
  return {
    notBefore: found.notBefore - wallAhead,
    guess: found.guess - wallAhead,
    ...(notAfter === undefined ? {} : { notAfter: notAfter - wallAhead }),
    source: found.source,
    ...(found.isExact ? { eventAt: found.at - wallAhead } : {}),
  }
}

function keptBy(retention: ReturnType<ReturnType<typeof createRetentions>['known']>): Kept | undefined {
  // Compaction keeps the last record of each key for ever.
  if (retention === undefined || retention.cleanup === 'compact') return undefined
  const { retentionMs, retentionBytes } = retention
  return {
    ...(retentionMs === undefined ? {} : { retentionMs }),
    ...(retentionBytes === undefined ? {} : { retentionBytes }),
  }
}
