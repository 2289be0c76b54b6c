import { winnerOf } from './rendezvous.ts'

/** Times are milliseconds on our monotonic clock. */

/** One look at the members: what it found was the truth at some moment between its begin and its end. */
export interface Look {
  readonly begunAt: number
  readonly endedAt: number
  /** Everybody, ourselves included, with how long each may go on without a look of its own. */
  readonly members: ReadonlyMap<string, { readonly holdMs: number }>
  /** When our znode was made, in the server's count: another number is another entry into the circle. */
  readonly czxid: bigint
}

/** Where we stand among the replicas, after a look that has shown us to be one of them. */
export interface Standing {
  readonly id: string
  readonly look: Look
  /** Before this moment somebody who has not seen us yet may still own what is ours. */
  readonly ownsFrom: number
  /** From this moment on the server may have ended our session, and others may own what is ours. */
  readonly ownsUntil: number
}

/**
 * The standing after another look. Who comes anew owns nothing until all who were there before have looked again or own
 * nothing any more: it waits as long as any of them may go on without a look.
 *
 * docs/decisions/0019 has the proof that no two own the same key.
 */
export function stand(id: string, before: Standing | undefined, look: Look): Standing {
  const holdMs = look.members.get(id)?.holdMs ?? 0
  const isSame = before !== undefined && before.look.czxid === look.czxid
  return {
    id,
    look,
    ownsFrom: isSame ? before.ownsFrom : look.endedAt + longestHold(id, look),
    ownsUntil: look.begunAt + holdMs,
  }
}

export function mayOwn(standing: Standing, now: number): boolean {
  return now >= standing.ownsFrom && now < standing.ownsUntil
}

export function ownsKey(standing: Standing, key: string, now: number): boolean {
  return mayOwn(standing, now) && winnerOf(key, standing.look.members.keys()) === standing.id
}

/** How long until `mayOwn` says something else by itself; endless when only a look can change it. */
export function turnsInMs({ ownsFrom, ownsUntil }: Standing, now: number): number {
  if (now >= ownsUntil) return Number.POSITIVE_INFINITY
  return (now < ownsFrom && ownsFrom < ownsUntil ? ownsFrom : ownsUntil) - now
}

function longestHold(id: string, { members }: Look): number {
  let longest = 0
  for (const [other, { holdMs }] of members) if (other !== id) longest = Math.max(longest, holdMs)
  return longest
}
