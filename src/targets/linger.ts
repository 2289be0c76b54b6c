import type { Target } from '../model/target.ts'

/** How long a target stays listed after an end that nobody announced. */
export const defaultLingerSeconds = 60

/** The targets that were lost without an announcement and stay for a while; time comes in as monotonic milliseconds. */
export interface Linger {
  /** Its end was not announced: it stays, in state `lingering`, until its time is over. Answers with what is served now. */
  lost(target: Target, now: number): Target
  /** It is back, its end was announced, or its address has a new owner: nothing stays. */
  forget(id: string): void
  get(id: string): Target | undefined
  targets(): Iterable<Target>
  /** Takes out those whose time is over, and says which they were. */
  sweep(now: number): readonly Target[]
}

export function createLinger(lingerMs: number): Linger {
  const lost = new Map<string, { readonly target: Target; readonly until: number }>()
  return {
    lost: (target, now) => {
      const known = lost.get(target.registration.id)
      if (known !== undefined) return known.target
      const lingering: Target = { ...target, state: 'lingering' }
      lost.set(target.registration.id, { target: lingering, until: now + lingerMs })
      return lingering
    },
    forget: (id) => {
      lost.delete(id)
    },
    get: (id) => lost.get(id)?.target,
    targets: function* () {
      for (const { target } of lost.values()) yield target
    },
    sweep: (now) => {
      const over = [...lost.values()].filter(({ until }) => until <= now).map(({ target }) => target)
      for (const { registration } of over) lost.delete(registration.id)
      return over
    },
  }
}
