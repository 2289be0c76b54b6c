import { consumerName } from '../model/consumer.ts'
import type { Problem } from '../model/problem.ts'
import type { Reason } from '../model/reason.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { ZookeeperErrorCode } from '../zookeeper/errors.ts'
import { type OffsetAnswer, reasonOf } from './zookeeper-batch.ts'
import type { GroupsFound } from './zookeeper-groups.ts'

/** Single znodes that are told of in one cycle. */
const MAX_TOLD = 20
/** Gone since it was listed; or everything is old, and one problem says so. */
const notTold: ReadonlySet<ZookeeperErrorCode> = new Set(['NO_NODE', 'NOT_READ_ONLY'])

/** Nothing of it can be trusted now. */
export function sourceProblem(connect: string, reason: Reason, why: string): Problem {
  return { reason, broker: connect, message: `Offsets in ZooKeeper "${connect}": ${why}` }
}

export function consumerProblem(connect: string, consumer: string, reason: Reason, why: string): Problem {
  return { reason, consumer, message: `Positions of "${consumer}" in ZooKeeper "${connect}": ${why}` }
}

/** @param isKnown whether a consumer had offsets here the last time: only such a one can be missed */
export function directoryProblems(
  connect: string,
  { exists, unreadable, unknown }: GroupsFound,
  isKnown: (consumer: string) => boolean,
): readonly Problem[] {
  if (!exists)
    return [
      sourceProblem(
        connect,
        'read_failed',
        'there is no znode "/consumers", expected the path under which Kafka has its znodes',
      ),
    ]
  const problems = [...unreadable].map(([path, code]): Problem => {
    return { reason: reasonOf(code), message: `Read "${path}" in ZooKeeper "${connect}": ${code}` }
  })
  const missed = [...unknown].filter(([id]) => isKnown(consumerName(id)))
  return [
    ...firstOf(problems),
    ...missed.map(([id, code]) => consumerProblem(connect, consumerName(id), reasonOf(code), code)),
  ]
}

/** Offsets that are there and say nothing. */
export function offsetProblems(connect: string, offsets: ReadonlyMap<string, OffsetAnswer>): readonly Problem[] {
  const problems: Problem[] = []
  for (const [path, answer] of offsets) {
    const [reason, why] = whatIsWrong(answer)
    if (reason === undefined) continue
    const topic = path.split('/')[4] ?? ''
    problems.push({ reason, topic, message: `Offset in "${path}" of ZooKeeper "${connect}": ${why}` })
  }
  return firstOf(problems)
}

function whatIsWrong(answer: OffsetAnswer): readonly [Reason, string] | readonly [undefined] {
  if (answer.kind === 'nonsense')
    return ['read_failed', `${answer.why}, expected a whole number from 0 to 9223372036854775807`]
  if (answer.kind === 'error' && !notTold.has(answer.code)) return [reasonOf(answer.code), answer.code]
  return [undefined]
}

/** The first of many, and how many more there are. */
function firstOf(problems: readonly Problem[]): readonly Problem[] {
  const [first] = problems
  if (first === undefined || problems.length <= MAX_TOLD) return problems
  const more = `${problems.length - MAX_TOLD} more znodes like these in ZooKeeper`
  return [...problems.slice(0, MAX_TOLD), { reason: first.reason, message: more }]
}

/** Why a number is missing after nothing could be read. */
export function failureOf(error: unknown): Reason {
  if (!(error instanceof UnavailableError)) return 'read_failed'
  if (error.denied) return 'unauthorized'
  return error.timedOut ? 'timeout' : 'read_failed'
}
