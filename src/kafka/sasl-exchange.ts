/**
 * One authentication of one connection. `start` gives the first token; `next` takes what the broker answered and gives
 * the next token, or undefined when the exchange is over. Both may throw UnavailableError when the broker's part of the
 * exchange does not hold, or when there is nothing to authenticate with.
 */
export interface SaslExchange {
  start(signal: AbortSignal): Uint8Array | Promise<Uint8Array>
  next(challenge: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Texts that no message may repeat, not even in the words of the broker. */
  secrets?(): readonly string[]
  /** The broker said no: whatever was kept for the next exchange is not worth keeping. */
  refused?(): void
}

/** Who we are; the password is revealed only where it is used. */
export interface Credentials {
  readonly username: string
  readonly password: { reveal(): string }
}
