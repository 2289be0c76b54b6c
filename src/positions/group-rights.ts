import type { KafkaCluster } from '../kafka/cluster.ts'
import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeOffsetFetchResponse, encodeOffsetFetchRequest } from '../kafka-wire/offset-fetch.ts'
import type { Problem } from '../model/problem.ts'
import type { Listing } from './group-memory.ts'
import { ALL_TOPICS } from './read-groups.ts'

interface GroupRights {
  /**
   * A problem when no broker lists a group and we may not describe one that they might hide: from 2.1 on the list has
   * only those that its reader may describe, and an empty one looks like a cluster without groups. Rejects only on abort.
   *
   * @param listings the complete ones of a cycle
   */
  whyNoGroups(listings: readonly Listing[], signal: AbortSignal): Promise<readonly Problem[]>
}

/** A cluster without groups is asked about only this often. */
const AGAIN_AFTER = 20
/** A group that nobody has. Rights come first: any broker refuses who may not describe it, others it sends elsewhere. */
const NOBODYS = '__lagkeeper_no_such_group'

export function createGroupRights(cluster: KafkaCluster): GroupRights {
  let problems: readonly Problem[] = []
  let askIn = 0

  async function isRefused(broker: number, signal: AbortSignal): Promise<boolean> {
    const { value } = await cluster.ask(
      broker,
      {
        api: apis.OffsetFetch,
        encode: (version) => encodeOffsetFetchRequest(version, { groups: [{ id: NOBODYS }] }),
        decode: (version, body) => decodeOffsetFetchResponse(version, body, NOBODYS),
      },
      signal,
    )
    return value.groups.some(({ error }) => error === errorCodes.GROUP_AUTHORIZATION_FAILED)
  }

  return {
    whyNoGroups: async (listings, signal) => {
      const broker = listings[0]?.broker
      if (broker === undefined || listings.some(({ groups }) => groups.length > 0)) {
        askIn = 0
        problems = []
        return problems
      }
      // Before 0.10.2 every partition would have to be named, and brokers say by themselves that the list is refused.
      if (askIn-- > 0 || (cluster.version(broker, apis.OffsetFetch) ?? 0) < ALL_TOPICS) return problems
      askIn = AGAIN_AFTER
      try {
        const message =
          'List the groups: the brokers show us none at all, and we may not describe one that they might hide'
        problems = (await isRefused(broker, signal))
          ? [{ reason: 'unauthorized', broker: String(broker), message }]
          : []
      } catch (error) {
        if (signal.aborted) throw error
      }
      return problems
    },
  }
}
