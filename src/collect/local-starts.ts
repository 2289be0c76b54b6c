import type { KafkaCluster } from '../kafka/cluster.ts'
import { readLocalStarts, type TimeAsked } from '../kafka/look-up-times.ts'
import { type Catalog, type CatalogTopic, isSameTopic, topicNamed } from '../model/catalog.ts'
import type { Clock } from '../runtime/clock.ts'

/** Where logs begin on their leaders' own disks, read when somebody is about to look at a position. */
interface LocalStarts {
  /** The questions with the local log start where it is not the log start. At most one request a leader. */
  place(
    catalog: Catalog,
    questions: readonly TimeAsked[],
    configOf: ((topic: string) => { readonly remote?: boolean } | undefined) | undefined,
    signal: AbortSignal,
  ): Promise<readonly TimeAsked[]>
}

interface Entry {
  readonly topic: CatalogTopic
  readonly localStart: bigint
  readonly isTiered: boolean
  readonly at: number
}

/** A local log start only grows: what lay before it still does. How long what lay behind it is believed to do so. */
const TIERED_LASTS_MS = 60_000
const PLAIN_LASTS_MS = 600_000
const MOST_KEPT = 100_000

export function createLocalStarts(cluster: KafkaCluster, clock: Clock): LocalStarts {
  const entries = new Map<string, Entry>()

  function fresh(question: TimeAsked, topic: CatalogTopic | undefined): Entry | undefined {
    const entry = entries.get(keyOf(question))
    if (entry === undefined || topic === undefined || !isSameTopic(entry.topic, topic)) return undefined
    if (question.position < entry.localStart && entry.isTiered) return entry
    const lastsMs = entry.isTiered ? TIERED_LASTS_MS : PLAIN_LASTS_MS
    return clock.monotonic() - entry.at < lastsMs ? entry : undefined
  }

  return {
    place: async (catalog, questions, configOf, signal) => {
      // Where the configuration says that nothing is remote, nothing need be asked.
      const open = questions.filter(
        (question) =>
          configOf?.(question.topic)?.remote !== false &&
          fresh(question, topicNamed(catalog, question.topic)) === undefined,
      )
      const found = open.length === 0 ? undefined : await readLocalStarts(cluster, catalog, open, signal)
      if (entries.size > MOST_KEPT) entries.clear()
      for (const [question, localStart] of found ?? []) {
        const topic = topicNamed(catalog, question.topic)
        if (topic !== undefined)
          entries.set(keyOf(question), {
            ...{ topic, localStart, isTiered: localStart > question.start, at: clock.monotonic() },
          })
      }
      return questions.map((question) => {
        const entry =
          configOf?.(question.topic)?.remote === false
            ? undefined
            : fresh(question, topicNamed(catalog, question.topic))
        return entry?.isTiered === true ? { ...question, localStart: entry.localStart } : question
      })
    },
  }
}

function keyOf({ topic, partition }: TimeAsked): string {
  return `${partition}\n${topic}`
}
