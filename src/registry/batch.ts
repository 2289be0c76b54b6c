import type { Receipt, Registration } from '../model/registration.ts'
import { compareLives, type Incarnation } from '../model/registration.ts'
import { breather } from '../runtime/breathe.ts'
import { judgePut } from '../targets/judge-put.ts'
import { encodeChange } from './change-record.ts'
import { type Change, createStage, type Holdings } from './holdings.ts'
import type { JournalRecord } from './record-file.ts'
import type { Withdrawal } from './registry.ts'

/** Writes that become durable together: each is decided as if the earlier ones were made already. */
export interface Batch {
  put(many: readonly Registration[]): Promise<readonly Receipt[]>
  withdraw(id: string, incarnation: Incarnation | undefined): Withdrawal
  /** Their linger time is over; whoever is listed again stays. */
  sweep(ids: readonly string[]): void
  /** Another record of the journal, which changes nothing that is held. */
  note(make: (order: number) => JournalRecord): void
  readonly changes: readonly Change[]
  readonly records: readonly JournalRecord[]
}

export function createBatch(holdings: Holdings, nextOrder: () => number): Batch {
  const stage = createStage(holdings)
  const records: JournalRecord[] = []
  const write = (make: (order: number) => Change): void => {
    const order = nextOrder()
    const change = make(order)
    stage.add(change)
    records.push({ order, body: encodeChange(change) })
  }
  const putOne = (coming: Registration): Receipt => {
    const judged = judgePut(coming, stage.standing(coming))
    if (judged.outcome === 'conflict') return { id: coming.id, ...judged }
    const { outcome, registration } = judged
    if (outcome !== 'renewed') {
      const { evicts } = judged
      if (evicts !== undefined) write(() => ({ drop: evicts, evictedBy: coming.id }))
      write((order) => ({ put: { registration, state: 'listed', order } }))
    }
    return { id: coming.id, outcome, registration }
  }
  return {
    records,
    changes: stage.changes,
    put: async (many) => {
      const breathe = breather()
      const receipts: Receipt[] = []
      for (const coming of many) {
        receipts.push(putOne(coming))
        await breathe()
      }
      return receipts
    },
    withdraw: (id, incarnation) => {
      const present = stage.get(id)?.registration
      if (present === undefined) return 'unknown'
      if (incarnation !== undefined && !mayEnd(incarnation, present)) return 'superseded'
      write(() => ({ drop: id }))
      return 'ended'
    },
    sweep: (ids) => {
      for (const id of ids) if (stage.get(id)?.state === 'lingering') write(() => ({ drop: id }))
    },
    note: (make) => {
      records.push(make(nextOrder()))
    },
  }
}

/** A life may end itself and, when numbers say so, an earlier one whose end was never announced. */
export function mayEnd(incarnation: Incarnation, present: Registration): boolean {
  const life = compareLives(incarnation, present)
  return life === 'same' || (life === 'newer' && /^\d+$/.test(incarnation) && /^\d+$/.test(present.incarnation))
}
