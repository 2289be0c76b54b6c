import { randomBytes } from 'node:crypto'
import type { Acl } from '../../src/zookeeper/records.ts'
import { type Caller, createFakeTree, type TreeEvent } from './zookeeper-tree.ts'

export interface FakeSession {
  readonly id: bigint
  readonly password: Buffer
  readonly timeoutMs: number
  heardAt: number
}

/** Somebody who hears of changes: a connection to one of the servers. */
export interface FakeListener {
  fire(event: TreeEvent): void
  sessionEnded(sessionId: bigint): void
}

const openAcl: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]

/** What the servers of an ensemble share: znodes, sessions, and who is to be told. */
export function createFakeData() {
  const tree = createFakeTree()
  const sessions = new Map<bigint, FakeSession>()
  const listeners = new Set<FakeListener>()
  const somebody: Caller = { sessionId: 0n, ids: new Set() }
  let lastId = 0x1000_0000_0000_0000n

  function tell(events: readonly TreeEvent[]): void {
    for (const event of events) for (const listener of [...listeners]) listener.fire(event)
  }

  return {
    tree,
    sessions,
    listeners,
    tell,
    newSession: (timeoutMs: number): FakeSession => {
      lastId++
      tree.touch()
      const session = { id: lastId, password: randomBytes(16), timeoutMs, heardAt: performance.now() }
      sessions.set(session.id, session)
      return session
    },
    /** Its ephemerals go, its connection is closed. */
    endSession: (id: bigint): void => {
      if (!sessions.delete(id)) return
      tell(tree.removeEphemerals(id))
      for (const listener of [...listeners]) listener.sessionEnded(id)
    },
    /** Changes made by somebody else than the client under test. */
    create: (path: string, data: string, ephemeralOwner = 0n): void => {
      const flags = ephemeralOwner === 0n ? 0 : 1
      const item = { type: 'create2', path, data: Buffer.from(data), acl: openAcl, flags } as const
      tell(tree.change(item, { ...somebody, sessionId: ephemeralOwner }).events)
    },
    write: (path: string, data: string): void => {
      tell(tree.change({ type: 'setData', path, data: Buffer.from(data), version: -1 }, somebody).events)
    },
    remove: (path: string): void => {
      tell(tree.change({ type: 'delete', path, version: -1 }, somebody).events)
    },
    /** As a server that was restored from an empty backup. */
    wipe: (): void => {
      tree.reset()
      sessions.clear()
    },
  }
}

export type FakeData = ReturnType<typeof createFakeData>
