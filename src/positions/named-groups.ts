import type { KafkaCluster } from '../kafka/cluster.ts'
import { apis } from '../kafka-wire/apis.ts'
import { decodeMetadataResponse, encodeMetadataRequest } from '../kafka-wire/metadata.ts'
import { findCoordinators } from './find-coordinators.ts'
import type { KnownGroup } from './group-memory.ts'

/** Groups that are known by name, for brokers that do not list them. */
interface NamedGroups {
  /**
   * Those that are not known yet and may have commits: they are read then like a group that its coordinator lists no
   * more, and forgotten when they have none. Rejects only on abort.
   */
  find(isKnown: (id: string) => boolean, signal: AbortSignal): Promise<readonly KnownGroup[]>
}

/** A broker before 3.0 is asked for one group at a time: the others have their turn in the next cycles. */
const AT_ONCE = 200
/** How many cycles a group without a commit is left alone, and for how many no offsets topic is looked for. */
const AGAIN_AFTER = 20
const OFFSETS_TOPIC = '__consumer_offsets'

/**
 * @param named by the configuration, and by others who only guess
 * @param hidesGroups whether a broker does not list groups, or none without members: 0.8.2 to 0.10.0
 */
export function createNamedGroups(
  cluster: KafkaCluster,
  named: { readonly groups?: readonly string[]; readonly guesses?: () => readonly string[] },
  hidesGroups: (broker: number) => boolean,
): NamedGroups {
  const configured = new Set(named.groups)
  const askedAt = new Map<string, number>()
  let cycle = 0
  let lookedAt = Number.NEGATIVE_INFINITY
  let hasTopic = false

  /** Asking for a coordinator makes brokers create the topic: nobody has commits before it is there. */
  async function hasOffsetsTopic(signal: AbortSignal): Promise<boolean> {
    if (hasTopic || cycle - lookedAt < AGAIN_AFTER) return hasTopic
    const { value } = await cluster.askAny(
      { api: apis.Metadata, encode: (version) => encodeMetadataRequest(version, {}), decode: decodeMetadataResponse },
      signal,
    )
    lookedAt = cycle
    hasTopic = value.topics.some(({ name }) => name === OFFSETS_TOPIC)
    return hasTopic
  }

  return {
    find: async (isKnown, signal) => {
      cycle++
      const brokers = cluster.brokers()
      if (!brokers.some(({ id }) => hidesGroups(id))) return []
      const wanted = new Set([...configured, ...(named.guesses?.() ?? [])])
      for (const id of askedAt.keys()) if (!wanted.has(id)) askedAt.delete(id)
      const due = [...wanted].filter(
        (id) => !isKnown(id) && cycle - (askedAt.get(id) ?? Number.NEGATIVE_INFINITY) >= AGAIN_AFTER,
      )
      if (due.length === 0) return []
      try {
        if (!(await hasOffsetsTopic(signal))) return []
        const asked = due.slice(0, AT_ONCE)
        const coordinators = await findCoordinators(cluster, asked, signal)
        for (const id of asked) if (coordinators.has(id)) askedAt.set(id, cycle)
        return [...coordinators].map(
          ([id, coordinator]): KnownGroup => ({
            id,
            coordinator,
            kind: 'classic',
            kindIsListed: false,
            stateIsListed: false,
            members: 0,
            missed: 0,
            unlisted: true,
            ...(configured.has(id) ? {} : { isGuess: true }),
          }),
        )
      } catch (error) {
        if (signal.aborted) throw error
        return []
      }
    },
  }
}
