import { type Acl, acls, type Codec, type Stat, stat, texts } from './records.ts'

export interface CreateRequest {
  readonly path: string
  readonly data: Uint8Array | undefined
  readonly acl: readonly Acl[]
  /** One of `createFlags`. */
  readonly flags: number
}

export interface PathAndVersion {
  readonly path: string
  /** -1 for any. */
  readonly version: number
}

export interface SetDataRequest extends PathAndVersion {
  readonly data: Uint8Array | undefined
}

/** The shape of exists, getData, getChildren and getChildren2. */
export interface ReadRequest {
  readonly path: string
  readonly watch: boolean
}

export interface DataReply {
  readonly data: Buffer | undefined
  readonly stat: Stat
}

export interface ChildrenReply {
  readonly children: readonly string[]
  readonly stat: Stat
}

/** The shape of addWatch (mode), removeWatches and checkWatches (watcher type). */
export interface WatchRequest {
  readonly path: string
  readonly mode: number
}

/** Of create, createContainer and create2. */
export const createRequest: Codec<CreateRequest> = {
  write: (w, value) => {
    w.text(value.path)
    w.buffer(value.data)
    acls.write(w, value.acl)
    w.int(value.flags)
  },
  read: (r) => ({ path: r.text(), data: r.buffer(), acl: acls.read(r), flags: r.int() }),
}

/** The answer to create2 and createContainer; create answers with the path alone. */
export const create2Reply: Codec<{ readonly path: string; readonly stat: Stat }> = {
  write: (w, value) => {
    w.text(value.path)
    stat.write(w, value.stat)
  },
  read: (r) => ({ path: r.text(), stat: stat.read(r) }),
}

/** Of delete and check. */
export const pathAndVersion: Codec<PathAndVersion> = {
  write: (w, value) => {
    w.text(value.path)
    w.int(value.version)
  },
  read: (r) => ({ path: r.text(), version: r.int() }),
}

export const setDataRequest: Codec<SetDataRequest> = {
  write: (w, value) => {
    w.text(value.path)
    w.buffer(value.data)
    w.int(value.version)
  },
  read: (r) => ({ path: r.text(), data: r.buffer(), version: r.int() }),
}

export const readRequest: Codec<ReadRequest> = {
  write: (w, value) => {
    w.text(value.path)
    w.bool(value.watch)
  },
  read: (r) => ({ path: r.text(), watch: r.bool() }),
}

/** Of sync and getEphemerals, and the answer to sync and create. */
export const onlyPath: Codec<string> = {
  write: (w, value) => w.text(value),
  read: (r) => r.text(),
}

export const dataReply: Codec<DataReply> = {
  write: (w, value) => {
    w.buffer(value.data)
    stat.write(w, value.stat)
  },
  read: (r) => ({ data: r.buffer(), stat: stat.read(r) }),
}

export const childrenReply: Codec<ChildrenReply> = {
  write: (w, value) => {
    texts.write(w, value.children)
    stat.write(w, value.stat)
  },
  read: (r) => ({ children: texts.read(r), stat: stat.read(r) }),
}

export const watchRequest: Codec<WatchRequest> = {
  write: (w, value) => {
    w.text(value.path)
    w.int(value.mode)
  },
  read: (r) => ({ path: r.text(), mode: r.int() }),
}
