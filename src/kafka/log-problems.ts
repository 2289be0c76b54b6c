import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import type { Catalog } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'
import { KNOWN, type Reason, reasonOf } from '../model/reason.ts'
import { breather } from '../runtime/breathe.ts'

/** Besides Kafka's error codes: nobody leads the partition, or what its leader said is no offset. */
export const NO_LEADER = -1_000
export const NO_OFFSET = -1_001

/** Why single partitions have no offset although their leader could be asked. */
export interface LogRefusals {
  /** Kafka's code, or one of ours, by row of the catalog; 0: told elsewhere, or none. */
  readonly codes: Int16Array
  /** False while nobody was refused, which is nearly always: then no row need be looked at. */
  any: boolean
}

interface Refused {
  readonly reason: Reason
  readonly cause: number
  readonly topic: string
  readonly partition: number
  rows: number
  isOneTopic: boolean
}

/**
 * One problem for all partitions that have no offset for the same reason, so that an offline disk with ten thousand of
 * them is one and not ten thousand.
 *
 * @param what was read, such as `Log offsets (latest)`
 */
export async function logProblems(
  what: string,
  catalog: Catalog,
  reasons: Uint8Array,
  { codes, any }: LogRefusals,
): Promise<readonly Problem[]> {
  if (!any) return []
  const breathe = breather()
  const found = new Map<number, Refused>()
  for (const { name, firstRow, partitions } of catalog.topics) {
    await breathe()
    for (let partition = 0; partition < partitions; partition++) {
      const code = reasons[firstRow + partition]!
      const cause = codes[firstRow + partition]!
      const reason = reasonOf(code)
      if (code === KNOWN || cause === errorCodes.NONE || reason === undefined) continue
      const key = code * 65_536 + cause
      const same = found.get(key)
      if (same === undefined) found.set(key, { reason, cause, topic: name, partition, rows: 1, isOneTopic: true })
      else {
        same.rows++
        if (same.topic !== name) same.isOneTopic = false
      }
    }
  }
  return [...found.values()].map(({ reason, cause, topic, partition, rows, isOneTopic }) => ({
    reason,
    ...(isOneTopic ? { topic } : {}),
    message: `${what}: none of ${rows === 1 ? '' : `${rows} partitions, such as `}"${topic}" ${partition}: ${causeText(cause)}`,
  }))
}

function causeText(cause: number): string {
  if (cause === NO_LEADER) return 'it has no leader'
  return cause === NO_OFFSET ? 'what its leader says is no offset, expected 0 or more' : errorName(cause)
}
