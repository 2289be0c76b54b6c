import aws4 from 'aws4'
import { UnavailableError } from '../runtime/errors.ts'
import type { SaslExchange } from './sasl-exchange.ts'

/** Keys of an AWS principal, as its SDKs give them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined
}

export interface AwsIdentity {
  readonly region: string
  /** Asked for every connection; whoever gives them keeps and renews them. */
  readonly credentials: (signal: AbortSignal) => Promise<AwsCredentials>
}

/** For how long the signature is good, in seconds: what Amazon's own library asks for. */
const GOOD_FOR_S = '900'

/**
 * SASL AWS_MSK_IAM: a presigned request for the action `kafka-cluster:Connect` at this broker, as JSON. The secret key
 * never travels. @see https://github.com/aws/aws-msk-iam-auth#details
 */
export function createAwsMskIam({ region, credentials }: AwsIdentity, host: string): SaslExchange {
  return {
    start: async (signal) => Buffer.from(JSON.stringify(signedPayload(await credentials(signal), region, host))),
    next: (answer) => {
      // The broker answers its version and the id of the exchange, as JSON, to a signature that it takes.
      if (answer.length === 0)
        throw new UnavailableError('Authenticate by AWS_MSK_IAM: an empty answer, expected that of a broker of MSK')
      return undefined
    },
  }
}

/** The document that is sent: the parts of the presigned request with their names in lower case, as they are unescaped. */
export function signedPayload(
  keys: AwsCredentials,
  region: string,
  host: string,
  now: Date = new Date(),
): Readonly<Record<string, string>> {
  const query = new URLSearchParams({
    Action: 'kafka-cluster:Connect',
    'X-Amz-Date': now.toISOString().replace(/[:-]|\.\d{3}/g, ''),
    'X-Amz-Expires': GOOD_FOR_S,
  })
  const { path = '' } = aws4.sign(
    {
      service: 'kafka-cluster',
      region,
      host,
      method: 'GET',
      path: `/?${query}`,
      headers: { Host: host },
      signQuery: true,
    },
    {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: keys.secretAccessKey,
      ...(keys.sessionToken === undefined ? {} : { sessionToken: keys.sessionToken }),
    },
  )
  const signed = new URLSearchParams(path.slice(path.indexOf('?') + 1))
  return {
    version: '2020_10_22',
    host,
    'user-agent': 'lagkeeper',
    ...Object.fromEntries([...signed].map(([name, value]) => [name.toLowerCase(), value])),
  }
}
