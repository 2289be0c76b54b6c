import { InvariantError } from '../runtime/errors.ts'
import { apis, readBody, writeBody } from './apis.ts'

const api = apis.FindCoordinator
/** The key type of consumer groups (1 = transactions, 2 = shares). */
export const GROUP_KEY = 0

/** FindCoordinatorRequest.json. Exactly one key before v4; many from v4 on (KIP-699). v0 knows groups only. */
export interface FindCoordinatorRequest {
  readonly keyType: number
  readonly keys: readonly string[]
}

/** FindCoordinatorResponse.json. */
export interface FindCoordinatorResponse {
  readonly throttleMs: number
  readonly coordinators: readonly Coordinator[]
}

export interface Coordinator {
  readonly key: string
  readonly error: number
  /** From v1 on, for people. */
  readonly errorMessage?: string
  /** With an error: −1, and an empty host. */
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/** @throws InvariantError when there is not exactly one key before v4. */
export function encodeFindCoordinatorRequest(version: number, request: FindCoordinatorRequest): Buffer {
  const writer = writeBody(api, version)
  if (version < 4) writer.string(only(version, request.keys))
  if (version >= 1) writer.int8(request.keyType)
  if (version >= 4) writer.strings(request.keys)
  writer.tags()
  return writer.finish()
}

export function decodeFindCoordinatorRequest(version: number, body: Buffer): FindCoordinatorRequest {
  const reader = readBody(api, version, 'request', body)
  const key = version < 4 ? reader.string() : ''
  const keyType = version >= 1 ? reader.int8() : GROUP_KEY
  const keys = version >= 4 ? reader.strings() : [key]
  reader.tags()
  reader.end()
  return { keyType, keys }
}

/** @throws InvariantError when there is not exactly one coordinator before v4. */
export function encodeFindCoordinatorResponse(version: number, response: FindCoordinatorResponse): Buffer {
  const writer = writeBody(api, version)
  if (version >= 1) writer.int32(response.throttleMs)
  if (version >= 4) {
    writer.count(response.coordinators.length)
    for (const coordinator of response.coordinators) {
      writer.string(coordinator.key)
      writer.int32(coordinator.nodeId)
      writer.string(coordinator.host)
      writer.int32(coordinator.port)
      writer.int16(coordinator.error)
      writer.nullableString(coordinator.errorMessage)
      writer.tags()
    }
  } else {
    const coordinator = only(version, response.coordinators)
    writer.int16(coordinator.error)
    if (version >= 1) writer.nullableString(coordinator.errorMessage)
    writer.int32(coordinator.nodeId)
    writer.string(coordinator.host)
    writer.int32(coordinator.port)
  }
  writer.tags()
  return writer.finish()
}

/** `key` is the key asked for, which the answer repeats only from v4 on. */
export function decodeFindCoordinatorResponse(version: number, body: Buffer, key = ''): FindCoordinatorResponse {
  const reader = readBody(api, version, 'response', body)
  const throttleMs = version >= 1 ? reader.int32() : 0
  const coordinators: Coordinator[] = []
  if (version >= 4) {
    const count = reader.count(10 + 3 * reader.stringBytes + reader.tagBytes)
    for (let index = 0; index < count; index++) {
      const found = { key: reader.string(), nodeId: reader.int32(), host: reader.string(), port: reader.int32() }
      coordinators.push({ ...found, error: reader.int16(), ...because(reader.nullableString()) })
      reader.tags()
    }
  } else {
    const error = reader.int16()
    const message = because(version >= 1 ? reader.nullableString() : undefined)
    coordinators.push({ key, error, ...message, nodeId: reader.int32(), host: reader.string(), port: reader.int32() })
  }
  reader.tags()
  reader.end()
  return { throttleMs, coordinators }
}

function because(errorMessage: string | undefined): Pick<Coordinator, 'errorMessage'> {
  return errorMessage === undefined ? {} : { errorMessage }
}

function only<T>(version: number, entries: readonly T[]): T {
  const [entry] = entries
  if (entry === undefined || entries.length > 1)
    throw new InvariantError(`Write FindCoordinator v${version}: ${entries.length} keys, expected 1 before v4`)
  return entry
}
