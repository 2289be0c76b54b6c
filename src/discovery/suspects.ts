import type { Clock } from '../runtime/clock.ts'
import type { SecondOpinion } from './second-opinion.ts'

/** Processes of one scope whose reporters do not answer as they did, and what others say of them. */
export interface Suspects {
  /** Its reporter answers; where it runs, should it ever not. */
  found(id: string, where: { readonly container: string | undefined; readonly host: string }): void
  /** It has no reporter: since when, if it had one. */
  lostAt(id: string): number | undefined
  /** Something is wrong with it: asks in the background, and seldom. */
  ask(id: string): void
  /** Why it is known that the process has ended; undefined for one that lives, or may. */
  whyEnded(id: string, container: string | undefined): string | undefined
  forget(id: string): void
  settled(): Promise<void>
}

export interface SuspectsDeps {
  /** Absent where there is nobody else to ask. */
  readonly opinion: SecondOpinion | undefined
  readonly onEnded: (id: string, why: string) => void
  readonly lifetime: AbortSignal
  readonly clock: Clock
}

/** One that nobody knows anything of is asked for with every look; one that runs without its reporter goes on to run. */
const againMs = { unknown: 8_000, running: 15_000 } as const

interface Suspect {
  readonly container: string | undefined
  readonly host: string
  lostAt?: number
  nextAt: number
  isAsking: boolean
  whyEnded?: string
}

export function createSuspects({ opinion, onEnded, lifetime, clock }: SuspectsDeps): Suspects {
  const suspects = new Map<string, Suspect>()
  const running = new Set<Promise<void>>()

  async function question(id: string, suspect: Suspect, container: string, ask: SecondOpinion): Promise<void> {
    const said = await ask(container, suspect.host, lifetime)
    suspect.isAsking = false
    if (suspects.get(id) !== suspect) return
    if (said.kind === 'ended') {
      suspect.whyEnded = said.why
      onEnded(id, said.why)
    } else suspect.nextAt = clock.monotonic() + againMs[said.kind]
  }

  return {
    found: (id, { container, host }) => {
      const before = suspects.get(id)
      // One that was asked for and answers again is no suspect any more.
      if (before?.container === container && before?.host === host && before.lostAt === undefined) return
      suspects.set(id, { container, host, nextAt: 0, isAsking: false })
    },
    lostAt: (id) => {
      const suspect = suspects.get(id)
      if (suspect === undefined) return undefined
      suspect.lostAt ??= clock.monotonic()
      return suspect.lostAt
    },
    ask: (id) => {
      const suspect = suspects.get(id)
      if (opinion === undefined || suspect?.container === undefined) return
      if (suspect.isAsking || suspect.whyEnded !== undefined || clock.monotonic() < suspect.nextAt) return
      suspect.isAsking = true
      const work = question(id, suspect, suspect.container, opinion)
        .catch((error: unknown) => {
          if (!lifetime.aborted) throw error
        })
        .finally(() => running.delete(work))
      running.add(work)
    },
    whyEnded: (id, container) => {
      const suspect = suspects.get(id)
      return suspect !== undefined && suspect.container === container ? suspect.whyEnded : undefined
    },
    forget: (id) => {
      suspects.delete(id)
    },
    settled: async () => {
      await Promise.all(running)
    },
  }
}
