import type { KafkaCluster } from '../kafka/cluster.ts'
import { RETENTIONS_PER_REQUEST, readRetention } from '../kafka/read-retention.ts'
import { type Catalog, type CatalogTopic, isSameTopic } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'
import type { Reason } from '../model/reason.ts'
import type { Retention } from '../model/retention.ts'
import { breather } from '../runtime/breathe.ts'
import type { Clock } from '../runtime/clock.ts'
import { within } from '../runtime/within.ts'

/** How long the topics of a cluster keep their records, as far as it was read. */
export interface Retentions {
  /** Undefined while it was not read yet, or may not be: then see `reason`. */
  known(topic: string): Retention | undefined
  /** Why the last reading of a topic gave nothing; undefined where it did, or where there was none. */
  reason(topic: string): Reason | undefined
  /**
   * Reads what is due, new topics first: at most one request, and none in most cycles. What fails is tried again with
   * the next round, and what was known before stays. Rejects only on abort.
   */
  look(catalog: Catalog, signal: AbortSignal): Promise<void>
  /** Of the last round; at most one a reason. */
  problems(): readonly Problem[]
}

export interface RetentionOptions {
  readonly cluster: KafkaCluster
  readonly clock: Clock
  /** Of one request. */
  readonly deadlineMs: number
  /** How old what is known may grow. Default 10 minutes. */
  readonly everyMs?: number
  /** In [0, 1): spreads the rounds of many clusters. Default Math.random. */
  readonly random?: () => number
}

interface Entry {
  readonly topic: CatalogTopic
  readonly retention?: Retention
  readonly reason?: Reason
}

const EVERY_MS = 600_000
/** Part of `everyMs` by which a round may come earlier. */
const JITTER = 0.2

export function createRetentions(options: RetentionOptions): Retentions {
  const { cluster, clock, deadlineMs, everyMs = EVERY_MS, random = Math.random } = options
  const entries = new Map<string, Entry>()
  /** Topics whose turn in the present round is still to come. */
  let left: string[] = []
  let nextRound = Number.NEGATIVE_INFINITY
  let seen: Catalog | undefined
  let problems: ReadonlyMap<Reason, Problem> = new Map()

  /** New topics come first, since nothing is known of them; a whole round begins when its time has come. */
  async function plan(catalog: Catalog): Promise<void> {
    const isRound = clock.monotonic() >= nextRound
    if (!isRound && catalog === seen) return
    const breathe = breather()
    const fresh: string[] = []
    const all: string[] = []
    for (const topic of catalog.topics) {
      await breathe()
      const entry = entries.get(topic.name)
      if (entry !== undefined && isSameTopic(entry.topic, topic)) all.push(topic.name)
      else {
        entries.set(topic.name, { topic })
        fresh.push(topic.name)
      }
    }
    for (const name of entries.keys()) if (!catalog.topicIndex.has(name)) entries.delete(name)
    left = [...fresh, ...(isRound ? all : left.filter((name) => entries.has(name)))]
    seen = catalog
    if (!isRound) return
    problems = new Map()
    nextRound = clock.monotonic() + everyMs * (1 - JITTER * random())
  }

  async function read(signal: AbortSignal): Promise<void> {
    const names = left.slice(0, RETENTIONS_PER_REQUEST)
    left = left.slice(RETENTIONS_PER_REQUEST)
    const found = await within('Retention of topics', deadlineMs, clock, signal, (inTime) =>
      readRetention(cluster, names, inTime),
    )
    problems = new Map([...problems, ...found.problems.map((problem) => [problem.reason, problem] as const)])
    for (const [name, told] of found.retentions) {
      const entry = entries.get(name)
      if (entry === undefined) continue
      if (typeof told !== 'string') entries.set(name, { topic: entry.topic, retention: told })
      // A right that is taken away is an answer; what could not be read has not changed.
      else if (told === 'unauthorized') entries.set(name, { topic: entry.topic, reason: told })
      else entries.set(name, { ...entry, reason: told })
    }
  }

  return {
    known: (topic) => entries.get(topic)?.retention,
    reason: (topic) => entries.get(topic)?.reason,
    problems: () => [...problems.values()],
    look: async (catalog, signal) => {
      await plan(catalog)
      if (left.length === 0) return
      try {
        await read(signal)
      } catch (error) {
        if (signal.aborted) throw error
        const message = `Retention of topics: no answer within ${Math.round(deadlineMs)} ms`
        problems = new Map([...problems, ['timeout', { reason: 'timeout', message }]])
      }
    },
  }
}
