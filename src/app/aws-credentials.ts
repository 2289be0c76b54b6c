import type { AwsCredentials, AwsIdentity } from '../kafka/sasl-aws.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'

const TIMEOUT_MS = 15_000

/**
 * Keys from where every AWS SDK finds them, in its order: environment, profile (SSO, roles and programs too), web
 * identity, container, EC2. The provider keeps them and renews temporary ones before they end.
 *
 * @throws UnavailableError when there are none
 */
export function awsCredentials(profile: string | undefined): AwsIdentity['credentials'] {
  let finding: Promise<() => Promise<AwsCredentials>> | undefined
  return async (signal) => {
    // Loaded only here: it takes 90 ms of the event loop, once, and may be absent.
    finding ??= import('@aws-sdk/credential-provider-node').then(({ defaultProvider }) =>
      defaultProvider(profile === undefined ? {} : { profile }),
    )
    const provider = await finding
    return withDeadline('Find AWS keys', TIMEOUT_MS, signal, async () => {
      try {
        return await provider()
      } catch (error) {
        throw new UnavailableError(`Find AWS keys: ${describeError(error)}`, { cause: error })
      }
    })
  }
}
