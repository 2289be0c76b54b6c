import { compareLives, type Incarnation, type Receipt, type Registration } from '../model/registration.ts'
import type { Target } from '../model/target.ts'
import { breather } from '../runtime/breathe.ts'
import { judgePut } from '../targets/judge-put.ts'
import { encodeChange } from './change-record.ts'
import { type Change, createStage, type Holdings } from './holdings.ts'
import type { Departing } from './losses.ts'
import type { JournalRecord } from './record-file.ts'
import type { Withdrawal } from './registry.ts'

/** Writes that become durable together: each is decided as if the earlier ones were made already. */
export interface Batch {
  /** `anew`: ids that get a record also when they come as they are. */
  put(many: readonly Registration[], anew?: ReadonlySet<string>): Promise<readonly Receipt[]>
  /** `why` it leaves, when it does. */
  withdraw(id: string, incarnation: Incarnation | undefined, why: string | undefined): Withdrawal
  /** They were lost, and their time is over; whoever is listed again stays. */
  sweep(departing: readonly Departing[]): Promise<void>
  /** Another record of the journal, which changes nothing that is held. */
  note(make: (order: number) => JournalRecord): void
  readonly changes: readonly Change[]
  /** What came again as it is: nothing to write, and alive. */
  readonly renewed: readonly Registration[]
  /** Its end is decided and not yet durable. */
  isLeaving(id: string): boolean
  readonly records: readonly JournalRecord[]
}

export function createBatch(holdings: Holdings, nextOrder: () => number): Batch {
  const stage = createStage(holdings)
  const records: JournalRecord[] = []
  const renewed = new Map<string, Registration>()
  const write = (make: (order: number) => Change): void => {
    const order = nextOrder()
    const change = make(order)
    stage.add(change)
    records.push({ order, body: encodeChange(change) })
  }
  const putOne = (coming: Registration, isAnew: boolean): Receipt => {
    const judged = judgePut(coming, stage.standing(coming))
    if (judged.outcome === 'conflict') return { id: coming.id, ...judged }
    const { outcome, registration } = judged
    if (outcome === 'renewed' && !isAnew) renewed.set(coming.id, registration)
    else {
      const evicts = 'evicts' in judged ? judged.evicts : undefined
      const loser = evicts === undefined ? undefined : stage.get(evicts)?.registration
      if (loser !== undefined)
        write((order) => ({
          drop: loser.id,
          why: `"${coming.id}" has its address now`,
          evicted: { incarnation: loser.incarnation, by: coming.id, order },
        }))
      renewed.delete(coming.id)
      write((order) => ({ put: { registration, state: 'listed', order } }))
    }
    return { id: coming.id, outcome, registration }
  }
  return {
    records,
    changes: stage.changes,
    get renewed() {
      return [...renewed.values()]
    },
    isLeaving: (id) => holdings.get(id) !== undefined && stage.get(id) === undefined,
    put: async (many, anew) => {
      const breathe = breather()
      const receipts: Receipt[] = []
      for (const coming of many) {
        receipts.push(putOne(coming, anew?.has(coming.id) === true))
        await breathe()
      }
      return receipts
    },
    withdraw: (id, incarnation, why) => {
      const present = stage.get(id)?.registration
      if (present === undefined) return 'unknown'
      if (incarnation !== undefined && !mayEnd(incarnation, present)) return 'superseded'
      write(() => ({ drop: id, ...(why !== undefined && { why }) }))
      return 'ended'
    },
    sweep: async (departing) => {
      const breathe = breather()
      for (const { id, why } of departing) {
        if (isLost(stage.get(id)) && !renewed.has(id)) write(() => ({ drop: id, why }))
        await breathe()
      }
    },
    note: (make) => {
      records.push(make(nextOrder()))
    },
  }
}

export function isLost(target: Target | undefined): boolean {
  return target !== undefined && target.state !== 'listed'
}

/** A life may end itself and, when numbers say so, an earlier one whose end was never announced. */
export function mayEnd(incarnation: Incarnation, present: Pick<Registration, 'incarnation' | 'superseded'>): boolean {
  const life = compareLives(incarnation, present)
  return life === 'same' || (life === 'newer' && /^\d+$/.test(incarnation) && /^\d+$/.test(present.incarnation))
}
