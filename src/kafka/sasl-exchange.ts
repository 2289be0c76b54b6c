/**
 * One authentication of one connection. `start` gives the first token; `next` takes what the broker answered and gives
 * the next token, or undefined when the exchange is over. Both may throw UnavailableError when the broker's part of the
 * exchange does not hold.
 */
export interface SaslExchange {
  start(): Uint8Array
  next(challenge: Uint8Array): Uint8Array | undefined
}

/** Who we are; the password is revealed only where it is used. */
export interface Credentials {
  readonly username: string
  readonly password: { reveal(): string }
}
