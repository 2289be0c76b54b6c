import { type RetryPolicy, retryDelay } from '../runtime/retry.ts'

const minConnectMs = 100
const maxConnectMs = 10_000

/** After every server has been tried in vain; at most two attempts a second in the long run, however many servers. */
const backOff: RetryPolicy = { firstMs: 100, factor: 2, maxMs: 1_500, jitter: 0.3 }
const msPerServer = 750

/**
 * How long one server may take to answer the handshake: a share of the session timeout, so that all can be tried while
 * the session lives, and never beyond `leftMs`, what is left of the session.
 */
export function connectTimeoutMs(sessionTimeoutMs: number, servers: number, leftMs: number): number {
  const share = Math.min(maxConnectMs, Math.max(minConnectMs, sessionTimeoutMs / servers))
  return Math.max(minConnectMs, Math.min(share, leftMs))
}

/** How long to wait after `failures` failed attempts in a row: not at all within a round of all servers. */
export function backOffMs(failures: number, servers: number, random: number): number {
  if (failures === 0 || failures % servers !== 0) return 0
  const maxMs = Math.max(backOff.maxMs, servers * msPerServer)
  return retryDelay({ ...backOff, maxMs }, failures / servers, random)
}

/** How long a session may be without an answer until the client gives it up by itself (ZOOKEEPER-4508). */
export function lifetimeMs(sessionTimeoutMs: number): number {
  return (sessionTimeoutMs * 4) / 3
}
