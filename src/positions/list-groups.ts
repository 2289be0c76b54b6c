import type { KafkaCluster } from '../kafka/cluster.ts'
import { failureReason } from '../kafka/failure-reason.ts'
import { lacksApi } from '../kafka/lacks-api.ts'
import { apis } from '../kafka-wire/apis.ts'
import { errorCodes, errorName } from '../kafka-wire/error-codes.ts'
import { decodeListGroupsResponse, encodeListGroupsRequest } from '../kafka-wire/list-groups.ts'
import type { Problem } from '../model/problem.ts'
import type { Reason } from '../model/reason.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { Listing } from './group-memory.ts'
import { reasonOfCode } from './group-problems.ts'

/** Asks every broker which groups it coordinates; without a problem the listings are complete. Rejects only on abort. */
export async function listGroups(
  cluster: KafkaCluster,
  signal: AbortSignal,
): Promise<{ readonly listings: readonly Listing[]; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = []
  const listings: Listing[] = []
  await Promise.all(
    cluster.brokers().map(async ({ id }) => {
      try {
        const { value } = await cluster.ask(
          id,
          {
            api: apis.ListGroups,
            encode: (version) => encodeListGroupsRequest(version, {}),
            decode: decodeListGroupsResponse,
          },
          signal,
        )
        if (value.error === errorCodes.NONE) listings.push({ broker: id, groups: value.groups })
        else problems.push(listProblem(id, reasonOfCode(value.error), errorName(value.error)))
      } catch (error) {
        if (signal.aborted) throw error
        const old = error instanceof UnavailableError && lacksApi(cluster, id, apis.ListGroups)
        problems.push(listProblem(id, old ? 'unsupported' : failureReason(error), describeError(error)))
      }
    }),
  )
  return { listings, problems }
}

function listProblem(broker: number, reason: Reason, why: string): Problem {
  return { reason, broker: String(broker), message: `List the groups of broker ${broker}: ${why}` }
}
