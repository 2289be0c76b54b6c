import type { JuteReader, JuteWriter } from './jute.ts'

/**
 * The records of ZooKeeper's client protocol, both directions: the client writes requests and reads replies, a fake
 * server does the opposite. Field order is the format.
 *
 * @see zookeeper.jute of ZooKeeper
 */
export interface Codec<T> {
  write(writer: JuteWriter, value: T): void
  /** @throws DecodeError */
  read(reader: JuteReader): T
}

export interface Acl {
  /** Bits of `permissions`. */
  readonly perms: number
  readonly scheme: string
  readonly id: string
}

export interface Stat {
  readonly czxid: bigint
  readonly mzxid: bigint
  /** Milliseconds since the epoch on the server's clock, as mtime: for display only. */
  readonly ctime: bigint
  readonly mtime: bigint
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  /** The session that owns the ephemeral; 0 for every other znode, containers included. */
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
  readonly pzxid: bigint
}

export interface ConnectRequest {
  readonly lastZxidSeen: bigint
  readonly timeoutMs: number
  /** 0 asks for a new session. */
  readonly sessionId: bigint
  readonly password: Uint8Array
  readonly readOnly: boolean
}

export interface ConnectResponse {
  /** 0 or less: the session has expired. */
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Buffer
  /** Absent from servers before 3.4. */
  readonly readOnly: boolean
}

export interface ReplyHeader {
  readonly xid: number
  readonly zxid: bigint
  readonly error: number
}

export interface WatcherEvent {
  readonly type: number
  readonly state: number
  readonly path: string
}

export interface SetWatches {
  readonly relativeZxid: bigint
  readonly data: readonly string[]
  readonly exists: readonly string[]
  readonly children: readonly string[]
  /** Present: SetWatches2 (3.6). */
  readonly persistent?: readonly string[]
  readonly recursive?: readonly string[]
}

const minTextBytes = 4
const minAclBytes = 12

export const texts: Codec<readonly string[]> = {
  write: (w, value) => w.list(value, (text) => w.text(text)),
  read: (r) => r.list(minTextBytes, () => r.text()),
}

export const acls: Codec<readonly Acl[]> = {
  write: (w, value) =>
    w.list(value, ({ perms, scheme, id }) => {
      w.int(perms)
      w.text(scheme)
      w.text(id)
    }),
  read: (r) => r.list(minAclBytes, () => ({ perms: r.int(), scheme: r.text(), id: r.text() })),
}

export const stat: Codec<Stat> = {
  write: (w, value) => {
    w.long(value.czxid)
    w.long(value.mzxid)
    w.long(value.ctime)
    w.long(value.mtime)
    w.int(value.version)
    w.int(value.cversion)
    w.int(value.aversion)
    w.long(value.ephemeralOwner)
    w.int(value.dataLength)
    w.int(value.numChildren)
    w.long(value.pzxid)
  },
  // Of fifty thousand znodes fifty thousand are read: one check for all eleven fields.
  read: (r) => r.fixed(statBytes, readStat),
}

const statBytes = 68

function readStat(view: DataView, at: number): Stat {
  return {
    czxid: view.getBigInt64(at),
    mzxid: view.getBigInt64(at + 8),
    ctime: view.getBigInt64(at + 16),
    mtime: view.getBigInt64(at + 24),
    version: view.getInt32(at + 32),
    cversion: view.getInt32(at + 36),
    aversion: view.getInt32(at + 40),
    ephemeralOwner: view.getBigInt64(at + 44),
    dataLength: view.getInt32(at + 52),
    numChildren: view.getInt32(at + 56),
    pzxid: view.getBigInt64(at + 60),
  }
}

export const connectRequest: Codec<ConnectRequest> = {
  write: (w, value) => {
    w.int(0)
    w.long(value.lastZxidSeen)
    w.int(value.timeoutMs)
    w.long(value.sessionId)
    w.buffer(value.password)
    w.bool(value.readOnly)
  },
  read: (r) => {
    r.int()
    return {
      lastZxidSeen: r.long(),
      timeoutMs: r.int(),
      sessionId: r.long(),
      password: r.buffer() ?? Buffer.alloc(0),
      readOnly: r.left() > 0 && r.bool(),
    }
  },
}

export const connectResponse: Codec<ConnectResponse> = {
  write: (w, value) => {
    w.int(0)
    w.int(value.timeoutMs)
    w.long(value.sessionId)
    w.buffer(value.password)
    w.bool(value.readOnly)
  },
  read: (r) => {
    r.int()
    return {
      timeoutMs: r.int(),
      sessionId: r.long(),
      password: r.buffer() ?? Buffer.alloc(0),
      readOnly: r.left() > 0 && r.bool(),
    }
  },
}

export const requestHeader: Codec<{ readonly xid: number; readonly opcode: number }> = {
  write: (w, value) => {
    w.int(value.xid)
    w.int(value.opcode)
  },
  read: (r) => ({ xid: r.int(), opcode: r.int() }),
}

export const replyHeader: Codec<ReplyHeader> = {
  write: (w, value) => {
    w.int(value.xid)
    w.long(value.zxid)
    w.int(value.error)
  },
  read: (r) => ({ xid: r.int(), zxid: r.long(), error: r.int() }),
}

export const watcherEvent: Codec<WatcherEvent> = {
  write: (w, value) => {
    w.int(value.type)
    w.int(value.state)
    w.text(value.path)
  },
  read: (r) => ({ type: r.int(), state: r.int(), path: r.text() }),
}

export const authPacket: Codec<{ readonly scheme: string; readonly credential: Uint8Array }> = {
  write: (w, value) => {
    w.int(0)
    w.text(value.scheme)
    w.buffer(value.credential)
  },
  read: (r) => {
    r.int()
    return { scheme: r.text(), credential: r.buffer() ?? Buffer.alloc(0) }
  },
}

/** Reads SetWatches and SetWatches2: the latter is longer. */
export const setWatches: Codec<SetWatches> = {
  write: (w, value) => {
    w.long(value.relativeZxid)
    texts.write(w, value.data)
    texts.write(w, value.exists)
    texts.write(w, value.children)
    if (value.persistent === undefined && value.recursive === undefined) return
    texts.write(w, value.persistent ?? [])
    texts.write(w, value.recursive ?? [])
  },
  read: (r) => {
    const first = { relativeZxid: r.long(), data: texts.read(r), exists: texts.read(r), children: texts.read(r) }
    return r.left() === 0 ? first : { ...first, persistent: texts.read(r), recursive: texts.read(r) }
  },
}
