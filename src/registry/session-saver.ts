import type { SessionCredentials } from '../zookeeper/state.ts'

/** Keeps what a later process needs to take our sessions over as new as they are. */
export interface SessionSaver {
  /** Resolves when the sessions of now are saved. */
  save(): Promise<void>
  has(session: SessionCredentials | undefined): boolean
  /** Nothing is being saved any more. */
  done(): Promise<void>
}

/** `write` resolves whether it could write or not: a session that cannot be saved is used all the same. */
export function createSessionSaver(
  write: (sessions: readonly SessionCredentials[]) => Promise<void>,
  saved: readonly SessionCredentials[],
  sessions: () => readonly SessionCredentials[],
): SessionSaver {
  let written = new Set(saved.map(({ id }) => id))
  let writing = Promise.resolve()
  let next: Promise<void> | undefined

  async function writeNow(): Promise<void> {
    next = undefined
    const now = sessions()
    const isSame = now.length === written.size && now.every(({ id }) => written.has(id))
    if (!isSame) await write(now)
    written = new Set(now.map(({ id }) => id))
  }

  return {
    // Many sessions come at once: those that come while a file is being written share the next one.
    save: () => {
      if (next === undefined) {
        next = writing.then(writeNow)
        writing = next
      }
      return next
    },
    has: (session) => session !== undefined && written.has(session.id),
    done: () => writing,
  }
}
