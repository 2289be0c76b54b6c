import type { Clock } from '../runtime/clock.ts'
import type { Zookeeper } from '../zookeeper/client.ts'
import { childOf } from '../zookeeper/paths.ts'
import { decodeMember, type Member } from './member-document.ts'

/** What the family uses of a ZooKeeper client. */
export type Ensemble = Pick<
  Zookeeper,
  | 'run'
  | 'state'
  | 'session'
  | 'onState'
  | 'sync'
  | 'create'
  | 'getChildren'
  | 'multiRead'
  | 'makeChroot'
  | 'makeDirectories'
>

/** A replica's znode. */
export interface Seat {
  /** undefined when the document says nothing to us: its owner is a replica all the same. */
  readonly member: Member | undefined
  readonly ephemeralOwner: bigint
  readonly czxid: bigint
}

export interface Seats {
  readonly begunAt: number
  readonly endedAt: number
  /** By id, in the order of the ids. */
  readonly taken: ReadonlyMap<string, Seat>
}

export interface LookOptions {
  readonly signal: AbortSignal
  /** Of each of its requests. */
  readonly timeoutMs: number
  /** Called once, when somebody has come or gone since. */
  readonly onChange: () => void
}

/**
 * Reads who has a znode under `root`. Whatever anybody had done there before the call began is seen: `sync` makes the
 * server at hand catch up with its leader, and its answer says that the leader still knew our session.
 *
 * @throws as the client's reads; ZookeeperError NO_NODE when there is no root.
 */
export async function lookAround(
  zookeeper: Ensemble,
  root: string,
  { signal, timeoutMs, onChange }: LookOptions,
  clock: Clock,
): Promise<Seats> {
  const begunAt = clock.monotonic()
  await zookeeper.sync(root, { signal, timeoutMs })
  const { children } = await zookeeper.getChildren(root, { watch: onChange, signal, timeoutMs })
  const items = children.toSorted().map((name) => ({ type: 'getData' as const, path: childOf(root, name) }))
  const results = items.length === 0 ? [] : await zookeeper.multiRead(items, { signal, timeoutMs })
  const taken = new Map<string, Seat>()
  for (const result of results) {
    const id = result.path.slice(root.length + 1)
    // Gone since it was listed.
    if (result.type === 'error' && result.code === 'NO_NODE') continue
    // Somebody is there, whether we may read it or not: to take it for nobody would make two owners.
    if (result.type !== 'data') taken.set(id, { member: undefined, ephemeralOwner: -1n, czxid: -1n })
    // What outlives its session stands for nobody.
    else if (result.stat.ephemeralOwner !== 0n) {
      const { ephemeralOwner, czxid } = result.stat
      taken.set(id, { member: decodeMember(id, result.data), ephemeralOwner, czxid })
    }
  }
  return { begunAt, endedAt: clock.monotonic(), taken }
}
