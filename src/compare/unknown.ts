import type { Compared, Known, Question } from './known.ts'

/** Topics that Kafka keeps for itself and that are read only when `internal_topics` says so. */
const internal: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

/** Nothing of ours to hold a number against: because of a reason, or because there is no such row. */
export function unknownHere(known: Known, { number, found, result }: Question): Compared {
  const { value, quantity, topic = '', consumer } = number
  const reason = found.findLast((one) => typeof one === 'string')
  const isEmpty = value === -1 || Number.isNaN(value)
  if (isEmpty && (reason === undefined || reason === 'no_position') && hasConsumer(known, consumer))
    return result('their_no_commit', `it shows ${value}; here there is no series`)
  if (reason !== undefined) {
    if (quantity === 'records_lag' && value < 0) return result('their_negative', reason)
    if (quantity === 'records_lag' && value === 0) return result('their_zero', reason)
    return result('missing_here', reason)
  }
  if (internal.has(topic)) return result('missing_here', 'internal_topics is off')
  const problem = known.ours
    .flatMap(({ numbers }) => numbers.problems)
    .find((one) => one.consumer !== undefined && one.consumer === consumer)
  if (problem !== undefined) return result('missing_here', `${problem.reason}: ${problem.message}`)
  return result('unexplained', hasConsumer(known, consumer) ? 'no such row here' : 'no such consumer here')
}

function hasConsumer({ ours }: Known, consumer: string | undefined): boolean {
  return consumer === undefined || ours.some(({ numbers }) => numbers.members.has(consumer))
}
