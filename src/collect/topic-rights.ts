import type { KafkaCluster } from '../kafka/cluster.ts'
import { topicsDenied } from '../kafka/topic-rights.ts'
import type { Catalog } from '../model/catalog.ts'
import type { Problem } from '../model/problem.ts'

/** Tells topics that we may not describe from topics that are not there: a broker leaves out both. */
interface TopicRights {
  /** Topics that were there, and may not be described any more. */
  denied(): ReadonlySet<string>
  /**
   * After metadata was read anew. Costs a request only when topics have gone, or when there are none at all. Rejects only
   * on abort.
   *
   * @param visible how many topics the answer had, kept or not
   */
  look(before: Catalog, now: Catalog, visible: number, signal: AbortSignal): Promise<void>
  /** What is so now. */
  problems(): readonly Problem[]
}

/** Topics that are asked about in one request; the others have their turn next time. */
const AT_ONCE = 500
/** An empty cluster is asked about only this often. */
const AGAIN_AFTER = 20
/** What nobody has: whoever may not describe it may not describe every topic. */
const NOBODYS = '__lagkeeper_no_such_topic'

export function createTopicRights(cluster: KafkaCluster): TopicRights {
  const denied = new Set<string>()
  /** Gone, and not asked about yet. */
  const gone = new Set<string>()
  let seesNothing = false
  let askIn = 0

  async function ask(names: readonly string[], signal: AbortSignal): Promise<readonly string[] | undefined> {
    try {
      return await topicsDenied(cluster, names, signal)
    } catch (error) {
      if (signal.aborted) throw error
      return undefined
    }
  }

  async function lookForGone(signal: AbortSignal): Promise<void> {
    const names = [...gone].slice(0, AT_ONCE)
    const refused = names.length === 0 ? undefined : await ask(names, signal)
    if (refused === undefined) return
    for (const name of names) gone.delete(name)
    for (const name of refused) denied.add(name)
  }

  async function lookForAny(visible: number, signal: AbortSignal): Promise<void> {
    if (visible > 0) {
      seesNothing = false
      askIn = 0
      return
    }
    if (askIn-- > 0) return
    askIn = AGAIN_AFTER
    const refused = await ask([NOBODYS], signal)
    if (refused !== undefined) seesNothing = refused.length > 0
  }

  return {
    denied: () => denied,
    look: async (before, now, visible, signal) => {
      if (before !== now) for (const { name } of before.topics) if (!now.topicIndex.has(name)) gone.add(name)
      for (const name of gone) if (now.topicIndex.has(name)) gone.delete(name)
      for (const name of denied) if (now.topicIndex.has(name)) denied.delete(name)
      await lookForGone(signal)
      await lookForAny(visible, signal)
    },
    problems: () => {
      const [first] = denied
      return [
        ...(first === undefined
          ? []
          : [
              {
                reason: 'unauthorized',
                ...(denied.size === 1 ? { topic: first } : {}),
                message: `Metadata: we may not describe ${denied.size === 1 ? '' : `${denied.size} topics any more, such as `}"${first}"${denied.size === 1 ? ' any more' : ''}`,
              } as const,
            ]),
        ...(seesNothing
          ? [
              {
                reason: 'unauthorized',
                message:
                  'Metadata: the brokers show us no topic at all, and we may not describe one that they might hide',
              } as const,
            ]
          : []),
      ]
    },
  }
}
