import { compareLives, type Incarnation, type Registration, supersededBy } from '../model/registration.ts'
import type { Target } from '../model/target.ts'

/** What is known where a registration arrives. */
export interface Standing {
  /** What is kept under the same id. */
  readonly same?: Target
  /** Who has the same address in the same zone, when it is another id. */
  readonly owner?: Target
  /** The life of this id that lost its address to another one, while that other one is there. */
  readonly evicted?: { readonly incarnation: Incarnation; readonly by: string }
}

export type Judgement =
  | { readonly outcome: 'created' | 'replaced'; readonly registration: Registration; readonly evicts?: string }
  | { readonly outcome: 'renewed'; readonly registration: Registration }
  | {
      readonly outcome: 'conflict'
      readonly registration: Registration
      readonly why: string
      /** It may be accepted later: nothing is wrong with it. */
      readonly mayPass?: true
    }

/**
 * Decides about a registration: the same life again is renewed or brought up to date, a newer one takes its place, an
 * older one is refused. An address has one owner: within a namespace the newcomer evicts it, because two processes cannot
 * have one port; the address of another namespace is free only once its owner no longer shows signs of life.
 */
export function judgePut(coming: Registration, { same, owner, evicted }: Standing): Judgement {
  const present = same?.registration
  const life = present === undefined ? 'newer' : compareLives(coming.incarnation, present)
  if (present !== undefined && life === 'older')
    return conflict(
      coming,
      `Register "${coming.id}" as incarnation "${coming.incarnation}": superseded by "${present.incarnation}"`,
    )
  if (evicted !== undefined && evicted.incarnation === coming.incarnation && owner?.registration.id === evicted.by)
    return conflict(
      coming,
      `Register "${coming.id}" as incarnation "${coming.incarnation}": "${coming.address}" was taken over by "${evicted.by}"; a newer incarnation may register`,
    )
  if (owner !== undefined && owner.registration.namespace !== coming.namespace && owner.state !== 'lingering')
    return {
      ...conflict(
        coming,
        `Register "${coming.id}": "${coming.address}" belongs to namespace "${owner.registration.namespace}" while its owner is alive`,
      ),
      mayPass: true,
    }

  const superseded =
    present === undefined
      ? coming.superseded
      : life === 'newer'
        ? supersededBy(coming.incarnation, present)
        : present.superseded
  const registration = { ...coming, superseded }
  if (present !== undefined && life === 'same' && isEqual(registration, present))
    return { outcome: 'renewed', registration: present }
  return {
    outcome: present === undefined ? 'created' : 'replaced',
    registration,
    ...(owner === undefined ? {} : { evicts: owner.registration.id }),
  }
}

function conflict(registration: Registration, why: string) {
  return { outcome: 'conflict', registration, why } as const
}

/** Equal in every field; JSON is too slow for the many that come again after a restart. */
function isEqual(a: Registration, b: Registration): boolean {
  return (
    a.address === b.address &&
    a.incarnation === b.incarnation &&
    a.host === b.host &&
    a.zone === b.zone &&
    a.scheme === b.scheme &&
    a.metricsPath === b.metricsPath &&
    a.leaseSeconds === b.leaseSeconds &&
    haveSameMembers(a.params, b.params) &&
    haveSameMembers(a.labels, b.labels) &&
    haveSameMembers(a.facts, b.facts)
  )
}

function haveSameMembers(a: object, b: object): boolean {
  const left = Object.entries(a)
  const right = new Map(Object.entries(b))
  return left.length === right.size && left.every(([name, value]) => right.get(name) === value)
}
