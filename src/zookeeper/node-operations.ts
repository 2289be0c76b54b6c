import type { CallOptions } from './calls.ts'
import type { Context } from './context.ts'
import { errorCodes, isZookeeperError, ZookeeperError } from './errors.ts'
import { createFlags, opcodes } from './opcodes.ts'
import {
  childrenReply,
  create2Reply,
  createRequest,
  dataReply,
  onlyPath,
  pathAndVersion,
  readRequest,
  setDataRequest,
} from './operations.ts'
import { type Acl, type Stat, stat, texts } from './records.ts'
import type { Watcher, WatchKind } from './watches.ts'

/** `container` is a directory that the server removes some time after its last child is gone. */
export type CreateMode = keyof typeof createFlags

interface CreateOptions extends CallOptions {
  readonly mode?: CreateMode
  readonly acl?: readonly Acl[]
}

interface Created {
  /** With the number that the server added to a sequential one. */
  readonly path: string
  /** Absent when a server before 3.5 could not be asked for it afterwards. */
  readonly stat: Stat | undefined
}

interface ReadOptions extends CallOptions {
  /** Called once, on the next change. */
  readonly watch?: Watcher
}

interface VersionOptions extends CallOptions {
  /** Only if the znode has this version; 0 is a version like any other. */
  readonly version?: number
}

export interface NodeOperations {
  /** @throws ZookeeperError NODE_EXISTS, NO_NODE (no parent), NO_AUTH, QUOTA_EXCEEDED … */
  create(path: string, data: Uint8Array, options?: CreateOptions): Promise<Created>
  delete(path: string, options?: VersionOptions): Promise<void>
  /** undefined: there is no such znode; a watch then fires when it is created. */
  exists(path: string, options?: ReadOptions): Promise<Stat | undefined>
  getData(path: string, options?: ReadOptions): Promise<{ readonly data: Buffer; readonly stat: Stat }>
  setData(path: string, data: Uint8Array, options?: VersionOptions): Promise<Stat>
  /** Names, not paths. */
  getChildren(
    path: string,
    options?: ReadOptions,
  ): Promise<{ readonly children: readonly string[]; readonly stat: Stat }>
  /** Later reads see at least what was written anywhere before this call. */
  sync(path?: string, options?: CallOptions): Promise<void>
  /** Paths of this session's ephemerals. @throws ZookeeperError UNIMPLEMENTED on a server before 3.6 */
  getEphemerals(prefix?: string, options?: CallOptions): Promise<readonly string[]>
}

const anyVersion = -1

export function createNodeOperations(context: Context): NodeOperations {
  const { session, toServer, toCaller } = context

  /** Registers the watch in the order of the answers, so that no event can pass it by. */
  function watching(path: string, watch: Watcher | undefined, kind: (error: number) => WatchKind | undefined) {
    if (watch === undefined) return {}
    const watcher = context.translated(watch)
    return {
      onReply: (error: number): void => {
        const set = kind(error)
        if (set !== undefined) session.watches.add(set, path, watcher)
      },
    }
  }

  const exists: NodeOperations['exists'] = async (path, options = {}) => {
    const what = `Look for "${path}"`
    const target = toServer(what, path)
    const { watch } = options
    try {
      return await session.call(
        {
          what,
          opcode: opcodes.exists,
          isRepeatable: true,
          write: (writer) => readRequest.write(writer, { path: target, watch: watch !== undefined }),
          read: stat.read,
          ...watching(target, watch, (error) =>
            error === 0 ? 'data' : error === errorCodes.NO_NODE ? 'exists' : undefined,
          ),
        },
        options,
      )
    } catch (error) {
      if (isZookeeperError(error, 'NO_NODE')) return undefined
      throw error
    }
  }

  const create: NodeOperations['create'] = async (path, data, options = {}) => {
    const { mode = 'persistent', acl = context.defaultAcl } = options
    const what = `Create "${path}"`
    const target = toServer(what, path, mode.endsWith('sequential') ? '0' : '')
    const feature = mode === 'container' ? 'createContainer' : 'create2'
    const record = { path: target, data, acl, flags: createFlags[mode] }
    const left = context.budget(options)
    if (session.known(feature) ?? (await context.supports(feature, left()))) {
      try {
        const created = await session.call(
          {
            what,
            opcode: opcodes[feature],
            write: (writer) => createRequest.write(writer, record),
            read: create2Reply.read,
          },
          left(),
        )
        return { path: toCaller(created.path), stat: created.stat }
      } catch (error) {
        if (!isZookeeperError(error, 'UNIMPLEMENTED')) throw error
      }
    }
    const flags = mode === 'container' ? createFlags.persistent : record.flags
    const createdPath = toCaller(
      await session.call(
        {
          what,
          opcode: opcodes.create,
          write: (writer) => createRequest.write(writer, { ...record, flags }),
          read: onlyPath.read,
        },
        left(),
      ),
    )
    // The znode is there, whatever this says.
    return { path: createdPath, stat: await exists(createdPath, left()).catch(() => undefined) }
  }

  return {
    create,
    exists,
    delete: async (path, options = {}) => {
      const what = `Delete "${path}"`
      const record = { path: toServer(what, path), version: options.version ?? anyVersion }
      await session.call(
        {
          what,
          opcode: opcodes.delete,
          write: (writer) => pathAndVersion.write(writer, record),
          read: () => undefined,
        },
        options,
      )
    },
    getData: async (path, options = {}) => {
      const what = `Read "${path}"`
      const target = toServer(what, path)
      const { watch } = options
      const { data, stat: found } = await session.call(
        {
          what,
          opcode: opcodes.getData,
          isRepeatable: true,
          write: (writer) => readRequest.write(writer, { path: target, watch: watch !== undefined }),
          read: dataReply.read,
          ...watching(target, watch, (error) => (error === 0 ? 'data' : undefined)),
        },
        options,
      )
      return { data: data ?? Buffer.alloc(0), stat: found }
    },
    setData: async (path, data, options = {}) => {
      const what = `Write "${path}"`
      const record = { path: toServer(what, path), data, version: options.version ?? anyVersion }
      return session.call(
        { what, opcode: opcodes.setData, write: (writer) => setDataRequest.write(writer, record), read: stat.read },
        options,
      )
    },
    getChildren: async (path, options = {}) => {
      const what = `List "${path}"`
      const target = toServer(what, path)
      const { watch } = options
      return session.call(
        {
          what,
          opcode: opcodes.getChildren2,
          isRepeatable: true,
          write: (writer) => readRequest.write(writer, { path: target, watch: watch !== undefined }),
          read: childrenReply.read,
          ...watching(target, watch, (error) => (error === 0 ? 'children' : undefined)),
        },
        options,
      )
    },
    sync: async (path = '/', options = {}) => {
      const what = `Sync "${path}"`
      const target = toServer(what, path)
      await session.call(
        {
          what,
          opcode: opcodes.sync,
          isRepeatable: true,
          write: (writer) => onlyPath.write(writer, target),
          read: () => undefined,
        },
        options,
      )
    },
    getEphemerals: async (prefix = '/', options = {}) => {
      const what = `List ephemerals under "${prefix}"`
      const target = toServer(what, prefix)
      const left = context.budget(options)
      if (!(session.known('multiRead') ?? (await context.supports('multiRead', left()))))
        throw new ZookeeperError(what, errorCodes.UNIMPLEMENTED, { detail: 'the server does not know this request' })
      const found = await session.call(
        {
          what,
          opcode: opcodes.getEphemerals,
          isRepeatable: true,
          write: (writer) => onlyPath.write(writer, target),
          read: texts.read,
        },
        left(),
      )
      return found.map(toCaller)
    },
  }
}
