/** What a later process needs to take a session over. Whoever has it owns the session: a secret. */
export interface SessionCredentials {
  readonly id: bigint
  readonly password: Uint8Array
  readonly timeoutMs: number
}

export type ZookeeperState = 'connecting' | 'connected' | 'expired' | 'closed'

/**
 * `connecting`: ephemerals may live, watches are kept. `connected`: with a new session there are neither ephemerals nor
 * watches. `expired`: all of this session is gone; a new one is being made. `closed`: `run` has ended.
 */
export type StateChange =
  | { readonly state: 'connecting' | 'expired'; readonly reason: Error }
  | {
      readonly state: 'connected'
      readonly sessionId: bigint
      readonly isNewSession: boolean
      readonly server: string
      /** Present: the server is cut off from its ensemble; what it has may be old, and it takes no writes. */
      readonly isReadOnly?: true
    }
  | { readonly state: 'closed' }

export type StateListener = (change: StateChange) => void

/** Keeps the state and tells its changes; what a listener throws goes to `onError` and hurts no other listener. */
export function createAnnouncer(onError: (thrown: unknown) => void) {
  const listeners = new Set<StateListener>()
  let state: ZookeeperState = 'connecting'
  return {
    state: () => state,
    listen: (listener: StateListener): (() => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    announce: (change: StateChange): void => {
      state = change.state
      for (const listener of [...listeners]) {
        try {
          listener(change)
        } catch (thrown) {
          onError(thrown)
        }
      }
    },
  }
}
