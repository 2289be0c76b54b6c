import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { UnavailableError } from '../runtime/errors.ts'
import type { Credentials, SaslExchange } from './sasl-exchange.ts'

/** A broker may ask for this many rounds at most: the work is ours (Kafka itself stores 4,096, and 16,384 at most). */
const MAX_ITERATIONS = 32_768

const derive = promisify(pbkdf2)

/** SASL SCRAM (RFC 5802, RFC 7677; SHA-512 as Kafka does it): the password never travels, and the broker proves that it knows it too. */
export function createScram(
  hash: 'sha256' | 'sha512',
  { username, password }: Credentials,
  clientNonce: string = randomBytes(24).toString('base64url'),
): SaslExchange {
  const bare = `n=${username.replace(/=/g, '=3D').replace(/,/g, '=2C')},r=${clientNonce}`
  let expected: Buffer | undefined
  return {
    start: () => Buffer.from(`n,,${bare}`),
    secrets: () => [password.reveal()],
    next: async (challenge) => {
      const text = Buffer.from(challenge).toString('utf8')
      const fields = new Map(text.split(',').map((field) => [field.slice(0, 1), field.slice(2)]))
      const refusal = fields.get('e')
      if (refusal !== undefined)
        throw new UnavailableError(`Authenticate by SCRAM: the broker refused: ${refusal}`, { denied: true })
      if (expected !== undefined) {
        const signature = Buffer.from(fields.get('v') ?? '', 'base64')
        if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
          throw new UnavailableError('Authenticate by SCRAM: the broker did not prove that it knows the password')
        return undefined
      }
      const nonce = fields.get('r') ?? ''
      const iterations = Number(fields.get('i'))
      const salt = Buffer.from(fields.get('s') ?? '', 'base64')
      if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length || salt.length === 0)
        throw new UnavailableError('Authenticate by SCRAM: the broker answered another exchange')
      if (!Number.isInteger(iterations) || iterations < 4096 || iterations > MAX_ITERATIONS)
        throw new UnavailableError(
          `Authenticate by SCRAM: ${iterations} iterations, expected 4096 to ${MAX_ITERATIONS}`,
        )
      // In a thread of its own: so many rounds would hold the event loop.
      const salted = await derive(password.reveal(), salt, iterations, hash === 'sha256' ? 32 : 64, hash)
      const withoutProof = `c=biws,r=${nonce}`
      const message = `${bare},${text},${withoutProof}`
      const clientKey = hmac(hash, salted, 'Client Key')
      const signature = hmac(hash, createHash(hash).update(clientKey).digest(), message)
      expected = hmac(hash, hmac(hash, salted, 'Server Key'), message)
      const proof = clientKey.map((byte, index) => byte ^ signature[index]!)
      return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`)
    },
  }
}

function hmac(hash: string, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest()
}
