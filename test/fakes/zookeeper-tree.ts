import { createHash } from 'node:crypto'
import { errorCodes } from '../../src/zookeeper/errors.ts'
import type { MultiItem, MultiItemResult } from '../../src/zookeeper/multi.ts'
import { createFlags, eventTypes, permissions } from '../../src/zookeeper/opcodes.ts'
import type { CreateRequest } from '../../src/zookeeper/operations.ts'
import { isValidPath, parentOf } from '../../src/zookeeper/paths.ts'
import type { Acl, Stat } from '../../src/zookeeper/records.ts'

/** An answer with an error code. */
export class Refusal extends Error {
  readonly code: number

  constructor(name: keyof typeof errorCodes) {
    super(name)
    this.code = errorCodes[name]
  }
}

export interface TreeEvent {
  readonly type: number
  readonly path: string
}

/** Who asks: ids such as `digest:user:hash`, and the session for ephemerals. */
export interface Caller {
  readonly sessionId: bigint
  readonly ids: ReadonlySet<string>
}

interface Node {
  data: Buffer | undefined
  readonly acl: readonly Acl[]
  readonly children: Set<string>
  /** Children ever created: the number of the next sequential one. */
  creations: number
  readonly czxid: bigint
  mzxid: bigint
  pzxid: bigint
  readonly ctime: bigint
  mtime: bigint
  version: number
  readonly ephemeralOwner: bigint
}

export function digestOf(credential: string): string {
  const user = credential.slice(0, credential.indexOf(':'))
  return `${user}:${createHash('sha1').update(credential).digest('base64')}`
}

/** ZooKeeper's data: znodes, versions, ACLs, transactions. Each change returns the events it causes. */
export function createFakeTree() {
  const nodes = new Map<string, Node>()
  let zxid = 0n
  let undo: (() => void)[] = []

  function reset(): void {
    nodes.clear()
    zxid = 0n
    for (const path of ['/', '/zookeeper', '/zookeeper/quota']) {
      nodes.set(path, newNode(Buffer.alloc(0), [{ perms: permissions.all, scheme: 'world', id: 'anyone' }], 0n))
      if (path !== '/') nodes.get(parentOf(path))?.children.add(path.slice(path.lastIndexOf('/') + 1))
    }
  }

  function newNode(data: Buffer | undefined, acl: readonly Acl[], ephemeralOwner: bigint): Node {
    const now = BigInt(Date.now())
    return {
      data,
      acl,
      children: new Set(),
      creations: 0,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: now,
      mtime: now,
      version: 0,
      ephemeralOwner,
    }
  }

  function find(path: string): Node {
    const node = nodes.get(path)
    if (node === undefined) throw new Refusal('NO_NODE')
    return node
  }

  function demand(node: Node, permission: number, caller: Caller): void {
    const allows = node.acl.some(
      ({ perms, scheme, id }) =>
        (perms & permission) !== 0 && (scheme === 'world' || caller.ids.has(`${scheme}:${id}`)),
    )
    if (!allows) throw new Refusal('NO_AUTH')
  }

  function ownAcl(acl: readonly Acl[], caller: Caller): readonly Acl[] {
    const result = acl.flatMap((one) => {
      if (one.scheme !== 'auth') return [one]
      return [...caller.ids]
        .filter((id) => id.startsWith('digest:'))
        .map((id) => ({ perms: one.perms, scheme: 'digest', id: id.slice('digest:'.length) }))
    })
    if (result.length === 0) throw new Refusal('INVALID_ACL')
    return result
  }

  function statOf(node: Node): Stat {
    return {
      czxid: node.czxid,
      mzxid: node.mzxid,
      ctime: node.ctime,
      mtime: node.mtime,
      version: node.version,
      cversion: node.creations * 2 - node.children.size,
      aversion: 0,
      ephemeralOwner: node.ephemeralOwner,
      dataLength: node.data?.length ?? 0,
      numChildren: node.children.size,
      pzxid: node.pzxid,
    }
  }

  function insert(request: CreateRequest, caller: Caller, events: TreeEvent[]): { path: string; stat: Stat } {
    const { flags } = request
    const isSequential = flags === createFlags.persistent_sequential || flags === createFlags.ephemeral_sequential
    const isEphemeral = flags === createFlags.ephemeral || flags === createFlags.ephemeral_sequential
    if (!isValidPath(isSequential ? `${request.path}0` : request.path)) throw new Refusal('BAD_ARGUMENTS')
    const parentPath = parentOf(request.path)
    const parent = find(parentPath)
    demand(parent, permissions.create, caller)
    const path = isSequential ? request.path + String(parent.creations).padStart(10, '0') : request.path
    if (nodes.has(path)) throw new Refusal('NODE_EXISTS')
    if (parent.ephemeralOwner > 0n) throw new Refusal('NO_CHILDREN_FOR_EPHEMERALS')
    const owner = isEphemeral ? caller.sessionId : 0n
    const node = newNode(
      request.data === undefined ? undefined : Buffer.from(request.data),
      ownAcl(request.acl, caller),
      owner,
    )
    const { creations, pzxid } = parent
    const name = path.slice(path.lastIndexOf('/') + 1)
    nodes.set(path, node)
    parent.children.add(name)
    parent.creations++
    parent.pzxid = zxid
    undo.push(() => {
      nodes.delete(path)
      parent.children.delete(name)
      Object.assign(parent, { creations, pzxid })
    })
    events.push({ type: eventTypes.created, path }, { type: eventTypes.childrenChanged, path: parentPath })
    return { path, stat: statOf(node) }
  }

  function remove(path: string, events: TreeEvent[]): void {
    const node = find(path)
    if (node.children.size > 0) throw new Refusal('NOT_EMPTY')
    const parentPath = parentOf(path)
    const parent = find(parentPath)
    const name = path.slice(path.lastIndexOf('/') + 1)
    const { pzxid } = parent
    nodes.delete(path)
    parent.children.delete(name)
    parent.pzxid = zxid
    undo.push(() => {
      nodes.set(path, node)
      parent.children.add(name)
      parent.pzxid = pzxid
    })
    events.push({ type: eventTypes.deleted, path }, { type: eventTypes.childrenChanged, path: parentPath })
  }

  function checkVersion(node: Node, version: number): void {
    if (version !== -1 && version !== node.version) throw new Refusal('BAD_VERSION')
  }

  function apply(item: MultiItem, caller: Caller, events: TreeEvent[]): MultiItemResult {
    if ('acl' in item) {
      const created = insert(item, caller, events)
      return { type: 'create', path: created.path, stat: item.type === 'create' ? undefined : created.stat }
    }
    if (item.type === 'setData') {
      const node = find(item.path)
      demand(node, permissions.write, caller)
      checkVersion(node, item.version)
      const { data, version, mzxid, mtime } = node
      undo.push(() => Object.assign(node, { data, version, mzxid, mtime }))
      node.data = item.data === undefined ? undefined : Buffer.from(item.data)
      node.version++
      node.mzxid = zxid
      node.mtime = BigInt(Date.now())
      events.push({ type: eventTypes.dataChanged, path: item.path })
      return { type: 'setData', stat: statOf(node) }
    }
    if (item.type === 'check') {
      const node = find(item.path)
      demand(node, permissions.read, caller)
      checkVersion(node, item.version)
      return { type: 'check' }
    }
    // As the server: the parent's permission counts, and is looked at before the znode.
    if (item.path === '/') throw new Refusal('BAD_ARGUMENTS')
    const parent = nodes.get(parentOf(item.path))
    if (parent !== undefined) demand(parent, permissions.delete, caller)
    checkVersion(find(item.path), item.version)
    remove(item.path, events)
    return { type: 'delete' }
  }

  reset()
  return {
    reset,
    zxid: () => zxid,
    /** A change that no znode shows, such as a new session. */
    touch: (): void => {
      zxid++
    },
    has: (path: string) => nodes.has(path),
    stat: (path: string): Stat => statOf(find(path)),
    data: (path: string, caller: Caller) => {
      const node = find(path)
      demand(node, permissions.read, caller)
      return { data: node.data, stat: statOf(node) }
    },
    children: (path: string, caller: Caller) => {
      const node = find(path)
      demand(node, permissions.read, caller)
      return { children: [...node.children], stat: statOf(node) }
    },
    ephemeralsOf: (sessionId: bigint): readonly string[] =>
      [...nodes].flatMap(([path, node]) => (node.ephemeralOwner === sessionId ? [path] : [])),
    /** One change. */
    change: (item: MultiItem, caller: Caller): { result: MultiItemResult; events: readonly TreeEvent[] } => {
      zxid++
      undo = []
      const events: TreeEvent[] = []
      return { result: apply(item, caller, events), events }
    },
    /** All or nothing. */
    transact: (items: readonly MultiItem[], caller: Caller) => {
      zxid++
      undo = []
      const events: TreeEvent[] = []
      const results: MultiItemResult[] = []
      for (const [index, item] of items.entries()) {
        try {
          results.push(apply(item, caller, events))
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          for (const step of undo.reverse()) step()
          const failed = items.map((_, at): MultiItemResult => {
            const code = at < index ? 0 : at === index ? error.code : errorCodes.RUNTIME_INCONSISTENCY
            return { type: 'error', error: code }
          })
          return { results: failed, events: [] }
        }
      }
      return { results, events }
    },
    /** What the end of a session does. */
    removeEphemerals: (sessionId: bigint): readonly TreeEvent[] => {
      zxid++
      const events: TreeEvent[] = []
      for (const [path, node] of [...nodes]) if (node.ephemeralOwner === sessionId) remove(path, events)
      return events
    },
  }
}

export type FakeTree = ReturnType<typeof createFakeTree>
