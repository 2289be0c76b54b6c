import { apis } from '../kafka-wire/apis.ts'
import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeMetadataResponse, encodeMetadataRequest } from '../kafka-wire/metadata.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { KafkaCluster } from './cluster.ts'

/** First version of Metadata that can be kept from creating the topics that it names. */
const CREATES_NONE = 4

/**
 * Of these topics those that we may not describe. A broker leaves them out of the list of all topics without a word, and
 * says so only when it is asked for them by name, whether they exist or not.
 *
 * @throws UnavailableError when no broker answers, or all are of 0.10 and might create what is named
 */
export async function topicsDenied(
  cluster: KafkaCluster,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { value } = await cluster.askAny(
    {
      api: apis.Metadata,
      encode: (version) => {
        if (version < CREATES_NONE)
          throw new UnavailableError(`Metadata v${version} may create the topics that it names`)
        return encodeMetadataRequest(version, { topics: names })
      },
      decode: decodeMetadataResponse,
    },
    signal,
  )
  return value.topics.flatMap(({ name, error }) => (error === errorCodes.TOPIC_AUTHORIZATION_FAILED ? [name] : []))
}
