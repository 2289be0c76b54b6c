import { breather } from '../runtime/breathe.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import type { Request } from './calls.ts'
import type { Connection } from './connection.ts'
import { authenticate, type SaslCredentials } from './sasl.ts'
import type { Watches } from './watches.ts'

export interface Auth {
  /** `digest` takes `user:password`. */
  readonly scheme: string
  readonly credential: string
}

export interface Introduction {
  readonly auth: readonly Auth[]
  readonly sasl: SaslCredentials | undefined
  readonly watches: Pick<Watches, 'replay'>
  readonly lastZxid: bigint
  /** Sends a request over this connection before anybody else's. */
  readonly send: <T>(request: Request<T>) => Promise<T>
  readonly isOpen: () => boolean
}

/**
 * Says on a new connection who we are and sets the watches again; requests come after that. Returns early when the
 * connection is lost meanwhile.
 *
 * @throws as `authenticate` of SASL; the connection is closed then.
 */
export async function introduce(connection: Connection, introduction: Introduction): Promise<void> {
  const { auth, sasl, watches, lastZxid, send, isOpen } = introduction
  for (const { scheme, credential } of auth) connection.authenticate(scheme, Buffer.from(credential))
  if (sasl !== undefined)
    try {
      await authenticate(sasl, send)
    } catch (error) {
      connection.destroy(error instanceof Error ? error : new UnavailableError(describeError(error)))
      throw error
    }
  const breathe = breather()
  for (const { opcode, packet } of watches.replay(lastZxid)) {
    if (!isOpen()) return
    connection.setWatches(opcode, packet)
    await breathe()
  }
}
