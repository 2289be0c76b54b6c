/** What may be added to every error: the error that caused it, always given when there is one. */
interface Because {
  readonly cause?: unknown
}

/** The user must act: configuration or command line is wrong. Ends a command with exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** Each problem on its own, as `path: value, what was expected`. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[], because: Because = {}) {
    super(problems.join('\n'), because)
    this.problems = problems
  }
}

/** A peer is down, slow or refuses us: try again later. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError'
  /** True when a deadline passed, false when the peer (or the system) said no. */
  readonly timedOut: boolean
  /** True when the peer refused our credentials or our rights: nothing gets better by itself. */
  readonly denied: boolean
  /** True when the peer does not have what it was asked for, and will not have it before it is another version. */
  readonly unsupported: boolean

  constructor(
    message: string,
    because: Because & { readonly timedOut?: boolean; readonly denied?: boolean; readonly unsupported?: boolean } = {},
  ) {
    super(message, because)
    this.timedOut = because.timedOut ?? false
    this.denied = because.denied ?? false
    this.unsupported = because.unsupported ?? false
  }
}

/** A peer sent what its protocol does not allow: count it, drop the connection or the entry, go on. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  /** Set when a frame was refused for its length alone: asking for less may help. */
  readonly tooLong: boolean

  constructor(message: string, because: Because & { readonly tooLong?: boolean } = {}) {
    super(message, because)
    this.tooLong = because.tooLong ?? false
  }
}

/** A newer life of the same identity, or another owner, stands in the way (HTTP 409). */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'

  constructor(message: string, because: Because = {}) {
    super(message, because)
  }
}

/** Our own bug: the only error that ends the process. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'

  constructor(message: string, because: Because = {}) {
    super(message, because)
  }
}

/** The message of whatever was thrown, with its chain of causes, for logs and problems. */
export function describeError(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const code = 'code' in thrown && typeof thrown.code === 'string' && !thrown.message.includes(thrown.code)
  const text = code ? `${thrown.message} (${String(thrown.code)})` : thrown.message
  return thrown.cause === undefined ? text : `${text}: ${describeError(thrown.cause)}`
}
