import type { Target } from '../model/target.ts'
import type { Clock } from '../runtime/clock.ts'
import type { TokenGrant } from './tokens.ts'

/** Room for new registrations, token by token. */
export interface Quota {
  /**
   * Takes room for a registration that is new: undefined when there is none. Call what is returned once it has been put,
   * with what became of it.
   */
  reserve(token: TokenGrant, namespace: string): ((isKept: boolean) => void) | undefined
}

/** How old a count may be. In between what is put with a quota is added. */
const countMs = 1_000

/**
 * The rule is simple, so that it can be explained: what is listed in the namespaces of a token, whoever put it there,
 * may be no more than its quota. What is registered already can always be put again.
 */
export function createQuota(targets: () => Iterable<Target>, clock: Pick<Clock, 'monotonic'>): Quota {
  let counts = new Map<string, number>()
  let used = new Map<TokenGrant, number>()
  let countedAt = Number.NEGATIVE_INFINITY
  /** On their way into the registry: in no list yet. */
  const pending = new Map<string, number>()

  function usedBy(token: TokenGrant): number {
    if (clock.monotonic() - countedAt >= countMs) {
      countedAt = clock.monotonic()
      counts = new Map(pending)
      used = new Map()
      for (const { registration } of targets()) add(counts, registration.namespace, 1)
    }
    let sum = used.get(token)
    if (sum === undefined) {
      sum = 0
      for (const [namespace, count] of counts) if (token.namespaces.covers(namespace)) sum += count
      used.set(token, sum)
    }
    return sum
  }

  function change(namespace: string, by: number): void {
    add(counts, namespace, by)
    for (const [token, count] of used) if (token.namespaces.covers(namespace)) used.set(token, count + by)
  }

  return {
    reserve: (token, namespace) => {
      if (token.quota === undefined) return () => undefined
      if (usedBy(token) >= token.quota) return undefined
      change(namespace, 1)
      add(pending, namespace, 1)
      return (isKept) => {
        add(pending, namespace, -1)
        if (!isKept) change(namespace, -1)
      }
    },
  }
}

function add(counts: Map<string, number>, namespace: string, by: number): void {
  const count = (counts.get(namespace) ?? 0) + by
  if (count === 0) counts.delete(namespace)
  else counts.set(namespace, count)
}
