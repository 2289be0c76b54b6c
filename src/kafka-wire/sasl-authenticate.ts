import { apis, readBody, writeBody } from './apis.ts'

const api = apis.SaslAuthenticate

/** SaslAuthenticateRequest.json: one step of the mechanism (KIP-152). */
export interface SaslAuthenticateRequest {
  readonly bytes: Uint8Array
}

/** SaslAuthenticateResponse.json. */
export interface SaslAuthenticateResponse {
  readonly error: number
  /** For people. */
  readonly errorMessage?: string
  /** A view of the body. */
  readonly bytes: Buffer
  /** After which the connection must authenticate again (KIP-368), from v1 on; 0 = never. */
  readonly sessionLifetimeMs: number
}

export function encodeSaslAuthenticateRequest(version: number, request: SaslAuthenticateRequest): Buffer {
  const writer = writeBody(api, version)
  writer.bytes(request.bytes)
  return writer.finish()
}

export function decodeSaslAuthenticateRequest(version: number, body: Buffer): SaslAuthenticateRequest {
  const reader = readBody(api, version, 'request', body)
  const bytes = reader.bytes()
  reader.end()
  return { bytes }
}

export function encodeSaslAuthenticateResponse(version: number, response: SaslAuthenticateResponse): Buffer {
  const writer = writeBody(api, version)
  writer.int16(response.error)
  writer.nullableString(response.errorMessage)
  writer.bytes(response.bytes)
  if (version >= 1) writer.int64Number(response.sessionLifetimeMs)
  return writer.finish()
}

export function decodeSaslAuthenticateResponse(version: number, body: Buffer): SaslAuthenticateResponse {
  const reader = readBody(api, version, 'response', body)
  const error = reader.int16()
  const errorMessage = reader.nullableString()
  const bytes = reader.bytes()
  const sessionLifetimeMs = version >= 1 ? reader.int64Number() : 0
  reader.end()
  return { error, ...(errorMessage === undefined ? {} : { errorMessage }), bytes, sessionLifetimeMs }
}
