import type { Service } from '../runtime/service.ts'

/** One running Lagkeeper among several. */
export interface Replica {
  /** Stays the same over restarts. */
  readonly id: string
  /** Where the others reach it: `web.advertise_url`. */
  readonly url: string
  readonly version: string
  /** ISO 8601 by the clock of its own host: for display only. */
  readonly startedAt: string
}

/** What every member of the family is made of. */
export interface ReplicaOptions extends Pick<Replica, 'id' | 'version'> {
  /** Where the others reach us; undefined until they can. We are no replica before. */
  readonly url: () => string | undefined
}

/**
 * Which replica does which work. A key names one piece of work, such as `kafka/main`: all replicas see the same owner,
 * keys spread evenly, and only the keys of a replica that comes or goes change hands.
 */
export interface Replicas extends Service {
  /** Our own id. */
  readonly self: string
  /**
   * True for at most one replica at any moment. It becomes false at suspected loss already, before anybody else may own;
   * then for a while nobody does. Ask at every step of the work, not once: the answer is about now.
   */
  owns(key: string): boolean
  /** Who owns it, or will as soon as it may; undefined while we do not know. */
  owner(key: string): Replica | undefined
  /** Who lives, by id, as last seen; ourselves only when the others see us. */
  members(): readonly Replica[]
  /** What a call to this replica must bear to be taken for one of ours; undefined for a stranger. A secret. */
  secretOf(id: string): string | undefined
  /** Yields after every change of what is owned or of who lives, several at once as one; ends when the signal aborts. */
  changes(signal: AbortSignal): AsyncIterable<void>
}
