import { randomBytes } from 'node:crypto'
import { UnavailableError } from '../runtime/errors.ts'
import type { Request } from './calls.ts'
import { answerDigestMd5 } from './digest-md5.ts'
import { ZookeeperError } from './errors.ts'
import { opcodes } from './opcodes.ts'

export interface SaslCredentials {
  readonly username: string
  readonly password: string
}

/** What ZooKeeper's servers call themselves. @see ZooKeeperSaslServer */
const digestUri = 'zookeeper/zk-sasl-md5'

/**
 * Authenticates one connection by DIGEST-MD5, and makes sure that the server knows the password as well. Nothing else
 * may be sent meanwhile: a server can be told to close on anybody who asks first.
 *
 * @throws UnavailableError (denied) when the server refuses us, or has no SASL; DecodeError when it talks nonsense.
 */
export async function authenticate(
  { username, password }: SaslCredentials,
  send: <T>(request: Request<T>) => Promise<T>,
): Promise<void> {
  const what = `Authenticate as "${username}" by SASL`
  const exchange = (token: Buffer): Promise<Buffer> =>
    send({
      what,
      opcode: opcodes.sasl,
      write: (writer) => writer.buffer(token),
      read: (reader) => reader.buffer() ?? Buffer.alloc(0),
    })
  try {
    const challenge = await exchange(Buffer.alloc(0))
    if (challenge.length === 0) throw new UnavailableError(`${what}: the server has no SASL`, { denied: true })
    const cnonce = randomBytes(24).toString('base64')
    const answer = answerDigestMd5(challenge, { username, password, digestUri, cnonce })
    answer.verify(await exchange(answer.token))
  } catch (error) {
    if (error instanceof ZookeeperError) throw new UnavailableError(error.message, { cause: error, denied: true })
    throw error
  }
}
