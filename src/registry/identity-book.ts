import type { Incarnation, Registration } from '../model/registration.ts'
import type { Clock } from '../runtime/clock.ts'
import { poll } from '../runtime/poll.ts'
import type { ProbeResult } from '../targets/process-identity.ts'
import type { Probed } from '../targets/target-report.ts'
import { createTimetable } from './timetable.ts'

/**
 * Asks a target which process it is and compares with what was known of it. Never rejects; an abort is `unknown`.
 * Bounds its own number of connections, bytes and seconds.
 */
export type Probe = (registration: Registration, known: string | undefined, signal: AbortSignal) => Promise<ProbeResult>

/** Which process stands behind each registration: learnt soon after it came, compared when it falls silent. */
export interface IdentityBook {
  /** To be called for all that comes; the same life at the same address is learnt once. */
  learn(registration: Registration): void
  /** Looks now. Before and after the run the verdict is `unknown`. */
  check(registration: Registration): Promise<ProbeResult>
  last(id: string): Probed | undefined
  forget(id: string): void
  /** Learns in the background; settles when nothing is being asked any more. */
  run(signal: AbortSignal): Promise<void>
}

export interface IdentityBookDeps {
  readonly probe: Probe
  readonly clock: Clock
}

/** Some register before their port is open: there is another look, later each time. */
const learnAfterMs = [2_000, 15_000, 60_000, 300_000] as const
const mostLearntAtOnce = 16
const tickMs = 1_000

interface Known {
  readonly incarnation: Incarnation
  readonly address: string
  readonly learnt?: string
  readonly last?: ProbeResult & { readonly at: number }
}

interface Lesson {
  readonly registration: Registration
  /** How many looks there were before. */
  readonly looks: number
}

/** One entry for each registration that is there: as long as who forgets is told, it is as large as the list. */
export function createIdentityBook({ probe, clock }: IdentityBookDeps): IdentityBook {
  const known = new Map<string, Known>()
  const lessons = createTimetable<Lesson>()
  const checks = new Map<string, Promise<ProbeResult>>()
  const running = new Set<Promise<unknown>>()
  let learning = 0
  let signal: AbortSignal | undefined

  const isAbout = (entry: Known | undefined, { incarnation, address }: Registration): entry is Known =>
    entry?.incarnation === incarnation && entry.address === address

  function enrol(registration: Registration, looks: number): void {
    const delay = learnAfterMs[looks]
    if (delay !== undefined) lessons.add(clock.monotonic() + delay, { registration, looks })
  }

  async function look(registration: Registration): Promise<ProbeResult> {
    if (signal === undefined || signal.aborted) return { verdict: 'unknown', why: 'the registry is not running' }
    const before = known.get(registration.id)
    const learnt = isAbout(before, registration) ? before.learnt : undefined
    const result = await probe(registration, learnt, signal)
    const after = known.get(registration.id)
    if (isAbout(after, registration)) known.set(registration.id, { ...after, last: { ...result, at: clock.wall() } })
    return result
  }

  async function learn({ registration, looks }: Lesson): Promise<void> {
    learning++
    try {
      const { verdict, identity } = await look(registration)
      const entry = known.get(registration.id)
      if (!isAbout(entry, registration) || entry.learnt !== undefined) return
      if (identity !== undefined) known.set(registration.id, { ...entry, learnt: identity, last: learntNow(identity) })
      // A page that does not say who it is will not say it later.
      else if (verdict !== 'unverified') enrol(registration, looks + 1)
    } finally {
      learning--
    }
  }

  function learnDue(): void {
    while (learning < mostLearntAtOnce) {
      const lesson = lessons.take(clock.monotonic())
      if (lesson === undefined) return
      // Gone meanwhile, or another one.
      if (isAbout(known.get(lesson.registration.id), lesson.registration)) void untilDone(learn(lesson)).then(learnDue)
    }
  }

  async function untilDone<T>(work: Promise<T>): Promise<T> {
    running.add(work)
    try {
      return await work
    } finally {
      running.delete(work)
    }
  }

  function learntNow(identity: string): NonNullable<Known['last']> {
    return { verdict: 'same', identity, why: `its page said "${identity}" when it was new`, at: clock.wall() }
  }

  return {
    forget: (id) => {
      known.delete(id)
    },
    learn: (registration) => {
      const { id, incarnation, address } = registration
      if (isAbout(known.get(id), registration)) return
      known.set(id, { incarnation, address })
      enrol(registration, 0)
    },
    check: (registration) => {
      const key = `${registration.id} ${registration.incarnation}`
      const check = checks.get(key) ?? untilDone(look(registration)).finally(() => checks.delete(key))
      checks.set(key, check)
      return check
    },
    last: (id) => {
      const entry = known.get(id)
      if (entry?.last === undefined) return undefined
      return { ...entry.last, ...(entry.learnt === undefined ? {} : { learnt: entry.learnt }) }
    },
    run: async (until) => {
      signal = until
      try {
        await poll({ intervalMs: tickMs, clock }, until, async () => learnDue())
      } finally {
        await Promise.all(running)
      }
    },
  }
}
