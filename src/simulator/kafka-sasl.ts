import { errorCodes } from '../kafka-wire/error-codes.ts'
import { decodeSaslAuthenticateRequest, encodeSaslAuthenticateResponse } from '../kafka-wire/sasl-authenticate.ts'
import { decodeSaslHandshakeRequest, encodeSaslHandshakeResponse } from '../kafka-wire/sasl-handshake.ts'

/** The broker's side of SASL PLAIN on one connection. */
export interface SaslSession {
  /** True when the client may ask anything. */
  isOpen(): boolean
  /** True when the connection must end after the answer just given. */
  hasFailed(): boolean
  /** True after handshake v0: the next frame is the mechanism's token, bare. */
  awaitsToken(): boolean
  handshake(version: number, body: Buffer): Buffer
  authenticate(version: number, body: Buffer): Buffer
  /** The bare answer to a bare token; undefined when it is refused, which old brokers say by closing. */
  token(bytes: Buffer): Buffer | undefined
}

/** `users` are passwords by name; without them everybody is let in and a handshake is out of place. */
export function createSaslSession(users: Readonly<Record<string, string>> | undefined): SaslSession {
  let state: 'open' | 'new' | 'chosen' | 'token' | 'failed' = users === undefined ? 'open' : 'new'

  function isRight(bytes: Uint8Array): boolean {
    const [, user = '', password] = Buffer.from(bytes).toString('utf8').split('\0')
    return password !== undefined && users !== undefined && Object.hasOwn(users, user) && users[user] === password
  }

  return {
    isOpen: () => state === 'open',
    hasFailed: () => state === 'failed',
    awaitsToken: () => state === 'token',
    handshake(version, body) {
      const { mechanism } = decodeSaslHandshakeRequest(version, body)
      const mechanisms = users === undefined ? [] : ['PLAIN']
      const error =
        state !== 'new'
          ? errorCodes.ILLEGAL_SASL_STATE
          : mechanism === 'PLAIN'
            ? errorCodes.NONE
            : errorCodes.UNSUPPORTED_SASL_MECHANISM
      if (error === errorCodes.NONE) state = version === 0 ? 'token' : 'chosen'
      else if (state !== 'open') state = 'failed'
      return encodeSaslHandshakeResponse(version, { error, mechanisms })
    },
    authenticate(version, body) {
      const isOutOfPlace = state !== 'chosen'
      const error = isOutOfPlace
        ? errorCodes.ILLEGAL_SASL_STATE
        : isRight(decodeSaslAuthenticateRequest(version, body).bytes)
          ? errorCodes.NONE
          : errorCodes.SASL_AUTHENTICATION_FAILED
      state = error === errorCodes.NONE ? 'open' : 'failed'
      const why = error === errorCodes.NONE ? {} : { errorMessage: 'Authentication failed: invalid user or password' }
      return encodeSaslAuthenticateResponse(version, { error, ...why, bytes: Buffer.alloc(0), sessionLifetimeMs: 0 })
    },
    token(bytes) {
      state = isRight(bytes) ? 'open' : 'failed'
      return state === 'open' ? Buffer.alloc(0) : undefined
    },
  }
}
