import { whatPrometheusRefuses } from '../targets/prometheus-rules.ts'

/** One look at the target list; times are milliseconds of one monotonic clock. */
interface Look {
  readonly askedAt: number
  readonly status: number
  readonly body: Uint8Array
}

/**
 * What must be true of the target list whatever is done to the daemon (invariants I4 to I6). It is told what was
 * acknowledged and what ended, judges every look, and keeps what was wrong.
 */
export interface Oracle {
  /** Answered 2xx: from five seconds on it is in every list, for as long as its lease at least. */
  acknowledged(id: string, leaseMs: number, at: number): void
  /** Asked for, and no answer that counts: it may be listed or not. */
  uncertain(id: string): void
  /** Its end was asked for: it may go at any moment. */
  leaving(id: string): void
  /** Its end was answered 2xx: five seconds later it is in no list. */
  ended(id: string, at: number): void
  /** Another process serves from now on: 503 until its first list. */
  restarted(): void
  looked(look: Look): void
  /** Nobody answered although the process runs. */
  heardNothing(why: string): void
  /** True while the fault keeps even the oracle from being heard. */
  toleratesSilence(isTolerant: boolean): void
  /** Something else that must never be, such as an answer that came too late. */
  violated(what: string): void
  /** Each kind once, with how often it was seen. */
  violations(): readonly string[]
  looks(): number
}

interface Entry {
  readonly state: 'acknowledged' | 'uncertain' | 'leaving' | 'ended'
  readonly since: number
  /** The end of its lease if no other sign of life comes. */
  readonly aliveUntil: number
  /** Seen in a list: from then on it may not be missing for a moment. */
  readonly isListed: boolean
}

const visibleMs = 5_000
/** An unannounced end lingers for a minute and may be noticed ten seconds late. */
const lingerMs = 60_000
const noticedMs = 10_000

export function createOracle(): Oracle {
  const entries = new Map<string, Entry>()
  const counts = new Map<string, number>()
  let hasList = false
  let looks = 0
  let isTolerant = false

  const violated = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
  const set = (id: string, state: Entry['state'], since: number, aliveUntil: number): void => {
    const before = entries.get(id)
    entries.set(id, { state, since, aliveUntil, isListed: state === 'acknowledged' && before?.isListed === true })
  }

  function judgeList({ askedAt, body }: Look): void {
    for (const problem of whatPrometheusRefuses(body).slice(0, 3)) violated(`I6: Prometheus would refuse ${problem}`)
    const listed = listedIds(body)
    for (const [id, entry] of entries) {
      if (listed.has(id)) {
        if (entry.state === 'ended' && askedAt - entry.since > visibleMs) violated(`I5: ghost, "${id}" was withdrawn`)
        if (askedAt > entry.aliveUntil + lingerMs + noticedMs) violated(`I5: ghost, the lease of "${id}" is long over`)
        if (entry.state === 'acknowledged' && !entry.isListed) entries.set(id, { ...entry, isListed: true })
      } else if (entry.state === 'acknowledged' && askedAt < entry.aliveUntil) {
        if (entry.isListed) violated(`I6: "${id}" was listed and is missing`)
        else if (askedAt - entry.since > visibleMs) violated(`I4: "${id}" was acknowledged and is missing`)
      }
    }
    for (const id of listed) if (!entries.has(id)) violated(`I5: "${id}" is listed and was never registered`)
  }

  return {
    acknowledged: (id, leaseMs, at) => {
      const known = entries.get(id)
      const since = known?.state === 'acknowledged' ? known.since : at
      set(id, 'acknowledged', since, at + leaseMs)
    },
    uncertain: (id) => {
      if (entries.get(id)?.state !== 'acknowledged') set(id, 'uncertain', 0, Number.POSITIVE_INFINITY)
    },
    leaving: (id) => set(id, 'leaving', 0, Number.POSITIVE_INFINITY),
    ended: (id, at) => set(id, 'ended', at, Number.POSITIVE_INFINITY),
    restarted: () => {
      hasList = false
    },
    looked: (look) => {
      looks++
      if (look.status === 200) {
        hasList = true
        judgeList(look)
      } else if (look.status !== 503) violated(`I6: the target list was answered ${look.status}`)
      else if (hasList) violated('I6: the target list was answered 503 after it had been served')
    },
    heardNothing: (why) => {
      if (!isTolerant) violated(`I7: ${why} although the daemon runs`)
    },
    toleratesSilence: (is) => {
      isTolerant = is
    },
    violated,
    violations: () => [...counts].map(([what, count]) => (count === 1 ? what : `${what} (${count} times)`)),
    looks: () => looks,
  }
}

/** `namespace/app/role/instance` of every target; empty for a body that is no list. */
export function listedIds(body: Uint8Array): ReadonlySet<string> {
  const ids = new Set<string>()
  let list: unknown
  try {
    list = JSON.parse(new TextDecoder().decode(body))
  } catch {
    return ids
  }
  for (const group of Array.isArray(list) ? list : []) {
    const labels: Readonly<Record<string, unknown>> = Object(Object(group).labels)
    ids.add(
      ['namespace', 'app', 'role', 'instance'].map((part) => String(labels[`__meta_lagkeeper_${part}`])).join('/'),
    )
  }
  return ids
}
