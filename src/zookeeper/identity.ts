import type { ConnectRequest, ConnectResponse } from './records.ts'
import { lifetimeMs } from './session-times.ts'
import type { SessionCredentials } from './state.ts'

/** Which session we are, and when it is lost. Times are on the monotonic clock. */
export interface Identity {
  credentials(): SessionCredentials | undefined
  hello(): ConnectRequest
  /** What a server has granted. */
  adopt(response: ConnectResponse): void
  /** Whether a server's answer belongs to another session than ours. */
  isForeign(response: ConnectResponse): boolean
  /** An answer told how far the server is. Notifications do not count: their number may run ahead of what we have read. */
  saw(zxid: bigint): void
  lastZxid(): bigint
  heard(heardAt: number, confirmedAt: number): void
  confirmedAt(): number
  /** A server closed the connection instead of answering the handshake; `false` takes that back. */
  refused(server: string, isRefusal: boolean): void
  /** How long until the client gives the session up by itself; endless without one. */
  leftMs(now: number): number
  /** Why the session is lost although no server has said so. */
  whyLost(now: number): string | undefined
  forget(): void
}

export function createIdentity(
  saved: SessionCredentials | undefined,
  timeoutMs: number,
  servers: ReadonlySet<string>,
  allowsReadOnly = false,
): Identity {
  const refusedBy = new Set<string>()
  let session = saved
  /** It comes from a read-only server, and no other knows it. */
  let isLent = false
  let lastZxid = 0n
  let heardAt = 0
  let confirmedAt = 0

  const leftMs = (now: number): number =>
    session === undefined ? Number.POSITIVE_INFINITY : heardAt + lifetimeMs(session.timeoutMs) - now

  return {
    credentials: () => session,
    hello: () => ({
      lastZxidSeen: lastZxid,
      timeoutMs: session?.timeoutMs ?? timeoutMs,
      sessionId: isLent ? 0n : (session?.id ?? 0n),
      password: isLent ? Buffer.alloc(16) : (session?.password ?? Buffer.alloc(16)),
      readOnly: allowsReadOnly,
    }),
    adopt: (response) => {
      isLent = response.readOnly && (isLent || session === undefined)
      session = { id: response.sessionId, password: response.password, timeoutMs: response.timeoutMs }
      refusedBy.clear()
    },
    isForeign: (response) => session !== undefined && !isLent && session.id !== response.sessionId,
    saw: (zxid) => {
      if (zxid > lastZxid) lastZxid = zxid
    },
    lastZxid: () => lastZxid,
    heard: (heard, confirmed) => {
      heardAt = heard
      confirmedAt = confirmed
    },
    confirmedAt: () => confirmedAt,
    refused: (server, isRefusal) => {
      if (isRefusal) refusedBy.add(server)
      else refusedBy.delete(server)
    },
    leftMs,
    whyLost: (now) => {
      if (session === undefined) return undefined
      const silence = `${Math.round(now - heardAt)} ms`
      if (leftMs(now) <= 0) return `No server answered for ${silence}`
      // Restored from an empty or older backup, a server refuses every client that has seen more, for ever.
      if (refusedBy.size === servers.size && now - heardAt >= session.timeoutMs)
        return `Every server refused the session for ${silence}`
      return undefined
    },
    forget: () => {
      session = undefined
      isLent = false
      lastZxid = 0n
      refusedBy.clear()
    },
  }
}
