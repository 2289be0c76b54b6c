import { outlooks, type Status, statuses, type TopicJudgement } from './judgement.ts'
import { timeLagSources } from './time-lag.ts'

/**
 * What is thought of the blocks of a part, as columns: a hundred thousand objects a cycle would be most of what the garbage
 * collector has to do. Immutable once a snapshot is published.
 */
export interface Judgements {
  /** So many numbers a block, in the order of `places`; NaN where one is not known. */
  readonly numbers: Float64Array
  /** Indices into `statuses`, `outlooks` and `timeLagSources`, an entry a block. */
  readonly status: Uint8Array
  readonly outlook: Uint8Array
  readonly source: Uint8Array
  /** By block; absent for most. */
  readonly why: ReadonlyMap<number, string>
}

export interface JudgementColumns extends Judgements {
  readonly why: Map<number, string>
}

/** Where each number of a block stands; in the units of `TopicJudgement`. */
export const places = {
  since: 0,
  timeLag: 1,
  uncertainty: 2,
  eventTimeLag: 3,
  produceRate: 4,
  consumeRate: 5,
  drain: 6,
  headroomRecords: 7,
  headroomSeconds: 8,
  positionChangedAt: 9,
  commitInterval: 10,
  rewinds: 11,
} as const
export const NUMBERS = 12
/** A bit for each place. */
export const ALL_NUMBERS = (1 << NUMBERS) - 1
export type JudgementNumber = keyof typeof places

/** For so many blocks, to be filled before they become part of a snapshot. */
export function judgementColumns(blocks: number): JudgementColumns {
  return {
    numbers: new Float64Array(blocks * NUMBERS),
    status: new Uint8Array(blocks),
    outlook: new Uint8Array(blocks),
    source: new Uint8Array(blocks),
    why: new Map<number, string>(),
  }
}

/** As they were for the same blocks, to be written over where something else is thought. */
export function copyJudgements({ numbers, status, outlook, source, why }: Judgements): JudgementColumns {
  return {
    numbers: numbers.slice(),
    status: status.slice(),
    outlook: outlook.slice(),
    source: source.slice(),
    why: new Map(why),
  }
}

/** Takes over what was thought of one block. */
export function copyJudgement(from: Judgements, block: number, to: JudgementColumns, at: number): void {
  to.numbers.set(from.numbers.subarray(block * NUMBERS, (block + 1) * NUMBERS), at * NUMBERS)
  to.status[at] = from.status[block]!
  to.outlook[at] = from.outlook[block]!
  to.source[at] = from.source[block]!
  const why = from.why.get(block)
  if (why !== undefined) to.why.set(at, why)
}

/** NaN when it is not known. */
export function numberAt({ numbers }: Judgements, block: number, place: number): number {
  return numbers[block * NUMBERS + place]!
}

export function statusAt({ status }: Judgements, block: number): Status {
  return statuses[status[block]!]!
}

type Draft = { -readonly [Field in keyof TopicJudgement]: TopicJudgement[Field] }
/** What is a number there and here, and may be unknown. */
const unknowable = [
  'eventTimeLag',
  'produceRate',
  'consumeRate',
  'drain',
  'headroomRecords',
  'headroomSeconds',
  'positionChangedAt',
  'commitInterval',
] as const satisfies readonly (JudgementNumber & keyof TopicJudgement)[]

/** What is thought of one block. */
export function judgementAt(judgements: Judgements, block: number): TopicJudgement {
  const number = (name: JudgementNumber): number => numberAt(judgements, block, places[name])
  const judgement: Draft = {
    status: statusAt(judgements, block),
    since: number('since'),
    outlook: outlooks[judgements.outlook[block]!]!,
    rewinds: number('rewinds'),
  }
  const why = judgements.why.get(block)
  if (why !== undefined) judgement.why = why
  const [seconds, uncertainty] = [number('timeLag'), number('uncertainty')]
  const source = timeLagSources[judgements.source[block]!]!
  if (!Number.isNaN(seconds)) judgement.timeLag = { seconds, uncertainty, source }
  for (const name of unknowable) if (!Number.isNaN(number(name))) judgement[name] = number(name)
  return judgement
}

/** Which numbers of two blocks are the same: a bit for each place. */
export function sameNumbers(one: Judgements, block: number, other: Judgements, at: number): number {
  let same = 0
  for (let place = 0; place < NUMBERS; place++)
    if (Object.is(one.numbers[block * NUMBERS + place], other.numbers[at * NUMBERS + place])) same |= 1 << place
  return same
}

/** Whether the same is thought of two blocks. */
export function isSameJudgement(one: Judgements, block: number, other: Judgements, at: number): boolean {
  return (
    sameNumbers(one, block, other, at) === ALL_NUMBERS &&
    one.status[block] === other.status[at] &&
    one.outlook[block] === other.outlook[at] &&
    one.source[block] === other.source[at] &&
    one.why.get(block) === other.why.get(at)
  )
}
