/**
 * Error codes of replies. @see KeeperException.Code of ZooKeeper.
 */
export const errorCodes = {
  SYSTEM_ERROR: -1,
  RUNTIME_INCONSISTENCY: -2,
  DATA_INCONSISTENCY: -3,
  CONNECTION_LOSS: -4,
  MARSHALLING_ERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATION_TIMEOUT: -7,
  BAD_ARGUMENTS: -8,
  UNKNOWN_SESSION: -12,
  NEW_CONFIG_NO_QUORUM: -13,
  RECONFIG_IN_PROGRESS: -14,
  API_ERROR: -100,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_CALLBACK: -113,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  SESSION_MOVED: -118,
  NOT_READ_ONLY: -119,
  EPHEMERAL_ON_LOCAL_SESSION: -120,
  NO_WATCHER: -121,
  REQUEST_TIMEOUT: -122,
  RECONFIG_DISABLED: -123,
  SESSION_CLOSED_REQUIRE_SASL_AUTH: -124,
  QUOTA_EXCEEDED: -125,
  THROTTLED_OP: -127,
} as const

/** `UNKNOWN` stands for a code that a newer server invented: see `number`. */
export type ZookeeperErrorCode = keyof typeof errorCodes | 'UNKNOWN'

const names: ReadonlyMap<number, ZookeeperErrorCode> = new Map(
  Object.entries(errorCodes).flatMap(([name, number]) => (isErrorCode(name) ? [[number, name]] : [])),
)

function isErrorCode(name: string): name is keyof typeof errorCodes {
  return name in errorCodes
}

/** The name of a reply's error code. */
export function errorName(number: number): ZookeeperErrorCode {
  return names.get(number) ?? 'UNKNOWN'
}

/** The number of a named code; that of an unknown one is not kept. */
export function errorNumber(code: ZookeeperErrorCode): number {
  return code === 'UNKNOWN' ? errorCodes.SYSTEM_ERROR : errorCodes[code]
}

/** Of codes whose name says too little. */
const explanations: Partial<Readonly<Record<ZookeeperErrorCode, string>>> = {
  NOT_READ_ONLY: ' (it is cut off from its ensemble and can only be read)',
  SESSION_CLOSED_REQUIRE_SASL_AUTH: ' (it wants us to authenticate first)',
}

/** The server understood and answered "no". Trouble with the connection is an UnavailableError instead. */
export class ZookeeperError extends Error {
  override readonly name = 'ZookeeperError'
  readonly code: ZookeeperErrorCode
  readonly number: number
  /** For a multi: the index of the first operation that failed. */
  readonly failedAt: number | undefined

  constructor(action: string, number: number, more: { readonly failedAt?: number; readonly detail?: string } = {}) {
    const code = errorName(number)
    const answer = code === 'UNKNOWN' ? `unknown error ${number}` : `${code}${explanations[code] ?? ''}`
    super(`${action}: ${more.detail ?? `server answered ${answer}`}`)
    this.code = code
    this.number = number
    this.failedAt = more.failedAt
  }
}

/** True when `thrown` is the server's answer with this code. */
export function isZookeeperError(thrown: unknown, code: ZookeeperErrorCode): thrown is ZookeeperError {
  return thrown instanceof ZookeeperError && thrown.code === code
}

/** What a call comes to; undefined when the server answers it with one of these codes. */
export async function unless<T>(codes: readonly ZookeeperErrorCode[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (!codes.some((code) => isZookeeperError(error, code))) throw error
    return undefined
  }
}

/** Refused by ourselves before it was sent. */
export function badArguments(action: string, detail: string): ZookeeperError {
  return new ZookeeperError(action, errorCodes.BAD_ARGUMENTS, { detail })
}
