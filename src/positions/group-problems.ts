import { errorCodes } from '../kafka-wire/error-codes.ts'
import { consumerName } from '../model/consumer.ts'
import type { PositionBatch } from '../model/position-batch.ts'
import type { Problem } from '../model/problem.ts'
import { type Reason, reasonCode } from '../model/reason.ts'
import { breather } from '../runtime/breathe.ts'

/** The group has another coordinator by now, or its own is not ready: worth a second try. */
export function isMoving(error: number): boolean {
  return (
    error === errorCodes.NOT_COORDINATOR ||
    error === errorCodes.COORDINATOR_LOAD_IN_PROGRESS ||
    error === errorCodes.COORDINATOR_NOT_AVAILABLE
  )
}

export function reasonOfCode(code: number): Reason {
  if (isMoving(code)) return 'coordinator_loading'
  switch (code) {
    case errorCodes.GROUP_AUTHORIZATION_FAILED:
    case errorCodes.CLUSTER_AUTHORIZATION_FAILED:
    case errorCodes.TOPIC_AUTHORIZATION_FAILED:
      return 'unauthorized'
    case errorCodes.UNSUPPORTED_VERSION:
      return 'unsupported'
    case errorCodes.REQUEST_TIMED_OUT:
      return 'timeout'
    // Listed a moment ago and gone when it was asked about: the next listing decides.
    case errorCodes.GROUP_ID_NOT_FOUND:
      return 'stale'
    default:
      return 'read_failed'
  }
}

export function consumerProblem(group: string, reason: Reason, why: string): Problem {
  const consumer = consumerName(group)
  return { reason, consumer, message: `Positions of "${consumer}": ${why}` }
}

/** No coordinator lists the group: it may be gone, or we may not describe it. */
export function missedProblem(group: string, isHidden: boolean): Problem {
  return isHidden
    ? consumerProblem(group, 'unauthorized', 'no coordinator lists the group any more, and we may not describe it')
    : consumerProblem(group, 'stale', 'no coordinator lists the group any more')
}

/** Reasons of single rows that say that something could not be read; the others are plain facts. */
const told: ReadonlyMap<number, readonly [Reason, string]> = new Map([
  [reasonCode('read_failed'), ['read_failed', 'an offset below -1, or an error of the broker']],
  [reasonCode('unauthorized'), ['unauthorized', 'we may not describe the topic']],
  [reasonCode('incomplete'), ['incomplete', 'a member has it, and the cluster does not show us the topic']],
])

/** Rows that could not be read, one problem a reason. They name no consumer: the rest of it was read. */
export async function rowProblems(batches: readonly PositionBatch[]): Promise<readonly Problem[]> {
  const breathe = breather()
  const problems: Problem[] = []
  for (const [code, [reason, why]] of told) {
    let rows = 0
    let first = ''
    for (const batch of batches) {
      await breathe()
      let at = batch.reason.indexOf(code)
      if (at >= 0 && first === '') first = rowName(batch, at)
      for (; at >= 0; at = batch.reason.indexOf(code, at + 1)) rows++
    }
    if (rows === 0) continue
    const some = rows === 1 ? '' : `${rows} partitions, such as `
    problems.push({ reason, message: `Positions: none of ${some}${first}: ${why}` })
  }
  return problems
}

function rowName(
  { consumers, topics, blockConsumer, blockTopic, blockFirst, partition }: PositionBatch,
  row: number,
): string {
  const block = blockFirst.findIndex((first, index) => first <= row && row < blockFirst[index + 1]!)
  const [consumer, topic] = [consumers[blockConsumer[block]!]!.name, topics[blockTopic[block]!]!.name]
  return `"${topic}" ${partition[row]} of "${consumer}"`
}

/** Names no consumer: what is known of it was read, and is shown. */
export function partialProblem(group: string): Problem {
  const message = `Positions of "${consumerName(group)}": its members read topics that we may not describe`
  return { reason: 'incomplete', message }
}
