import { apis, readBody, writeBody } from './apis.ts'

const api = apis.SaslHandshake

/** SaslHandshakeRequest.json. After v0 the mechanism's bytes follow bare, after v1 within SaslAuthenticate (KIP-152). */
export interface SaslHandshakeRequest {
  readonly mechanism: string
}

/** SaslHandshakeResponse.json. */
export interface SaslHandshakeResponse {
  readonly error: number
  /** What the listener offers. */
  readonly mechanisms: readonly string[]
}

export function encodeSaslHandshakeRequest(version: number, request: SaslHandshakeRequest): Buffer {
  const writer = writeBody(api, version)
  writer.string(request.mechanism)
  return writer.finish()
}

export function decodeSaslHandshakeRequest(version: number, body: Buffer): SaslHandshakeRequest {
  const reader = readBody(api, version, 'request', body)
  const mechanism = reader.string()
  reader.end()
  return { mechanism }
}

export function encodeSaslHandshakeResponse(version: number, response: SaslHandshakeResponse): Buffer {
  const writer = writeBody(api, version)
  writer.int16(response.error)
  writer.strings(response.mechanisms)
  return writer.finish()
}

export function decodeSaslHandshakeResponse(version: number, body: Buffer): SaslHandshakeResponse {
  const reader = readBody(api, version, 'response', body)
  const error = reader.int16()
  const mechanisms = reader.strings()
  reader.end()
  return { error, mechanisms }
}
