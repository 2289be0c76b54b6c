import { DecodeError } from '../runtime/errors.ts'
import type { CallOptions } from './calls.ts'
import type { Context } from './context.ts'
import { errorName, isZookeeperError, ZookeeperError, type ZookeeperErrorCode } from './errors.ts'
import {
  type MultiItem,
  type MultiItemResult,
  type MultiReadItem,
  type MultiReadItemResult,
  multiReadReply,
  multiReadRequest,
  multiReply,
  multiRequest,
} from './multi.ts'
import type { CreateMode, NodeOperations } from './node-operations.ts'
import { createFlags, opcodes } from './opcodes.ts'
import type { Acl, Stat } from './records.ts'

/** One operation of a multi; `version` as in VersionOptions. A check without a version asks that the znode exists. */
export type MultiOperation =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data: Uint8Array
      readonly mode?: CreateMode
      readonly acl?: readonly Acl[]
    }
  | { readonly type: 'delete' | 'check'; readonly path: string; readonly version?: number }
  | { readonly type: 'setData'; readonly path: string; readonly data: Uint8Array; readonly version?: number }

/** `stat` of a create is absent on servers before 3.5. */
type MultiResult = Exclude<MultiItemResult, { readonly type: 'error' }>

export type MultiReadResult =
  | { readonly type: 'data'; readonly path: string; readonly data: Buffer; readonly stat: Stat }
  | { readonly type: 'children'; readonly path: string; readonly children: readonly string[] }
  | { readonly type: 'error'; readonly path: string; readonly code: ZookeeperErrorCode }

export interface Transactions {
  /**
   * All or nothing; results in the order of the operations.
   *
   * @throws ZookeeperError with the code of the operation that failed and its index in `failedAt`.
   */
  multi(operations: readonly MultiOperation[], options?: CallOptions): Promise<readonly MultiResult[]>
  /**
   * Many reads in one request (in many on servers before 3.6); each has an outcome of its own. `data` is a part of the
   * answer, and one that is kept keeps all of it in memory: copy what is to stay.
   */
  multiRead(items: readonly MultiReadItem[], options?: CallOptions): Promise<readonly MultiReadResult[]>
}

export function createTransactions(context: Context, nodes: NodeOperations): Transactions {
  const { session, toServer, toCaller } = context

  function toItem(operation: MultiOperation, hasCreate2: boolean): MultiItem {
    const what = `Multi: ${operation.type} "${operation.path}"`
    if (operation.type !== 'create')
      return { ...operation, path: toServer(what, operation.path), version: operation.version ?? -1 }
    const { mode = 'persistent', data, acl = context.defaultAcl } = operation
    const path = toServer(what, operation.path, mode.endsWith('sequential') ? '0' : '')
    if (hasCreate2 && mode === 'container')
      return { type: 'createContainer', path, data, acl, flags: createFlags.container }
    const flags = createFlags[mode === 'container' ? 'persistent' : mode]
    return { type: hasCreate2 ? 'create2' : 'create', path, data, acl, flags }
  }

  async function multi(operations: readonly MultiOperation[], options: CallOptions = {}) {
    if (operations.length === 0) return []
    const needsCreate = operations.some(({ type }) => type === 'create')
    const left = context.budget(options)
    const hasCreate2 = needsCreate && (session.known('create2') ?? (await context.supports('create2', left())))
    const items = operations.map((operation) => toItem(operation, hasCreate2))
    const what = `Multi of ${operations.length} at "${operations[0]?.path}"`
    const results = await session.call(
      {
        what,
        opcode: opcodes.multi,
        write: (writer) => multiRequest.write(writer, items),
        read: (reader) => sameLength(multiReply.read(reader), items.length),
      },
      left(),
    )
    return results.map((result, index): MultiResult => {
      if (result.type !== 'error') return result.type === 'create' ? { ...result, path: toCaller(result.path) } : result
      const failedAt = results.findIndex((one) => one.type === 'error' && one.error !== 0)
      const failed = results[failedAt] ?? result
      const at = failedAt < 0 ? index : failedAt
      throw new ZookeeperError(
        `Multi: ${operations[at]?.type} "${operations[at]?.path}"`,
        failed.type === 'error' ? failed.error : 0,
        { failedAt: at },
      )
    })
  }

  async function multiRead(
    items: readonly MultiReadItem[],
    options: CallOptions = {},
  ): Promise<readonly MultiReadResult[]> {
    if (items.length === 0) return []
    const left = context.budget(options)
    if (session.known('multiRead') ?? (await context.supports('multiRead', left()))) {
      try {
        return await readAtOnce(items, left())
      } catch (error) {
        if (!isZookeeperError(error, 'UNIMPLEMENTED')) throw error
      }
    }
    return Promise.all(items.map((item) => readAlone(item, left())))
  }

  async function readAtOnce(items: readonly MultiReadItem[], options: CallOptions) {
    const what = `Read ${items.length} from "${items[0]?.path}"`
    const onServer = items.map(({ type, path }) => ({ type, path: toServer(what, path) }))
    const results = await session.call(
      {
        what,
        opcode: opcodes.multiRead,
        isRepeatable: true,
        write: (writer) => multiReadRequest.write(writer, onServer),
        read: (reader) => sameLength(multiReadReply.read(reader), items.length),
      },
      options,
    )
    return results.map((result, index) => toResult(result, items[index]?.path ?? ''))
  }

  async function readAlone({ type, path }: MultiReadItem, options: CallOptions): Promise<MultiReadResult> {
    try {
      if (type === 'getData') return { type: 'data', path, ...(await nodes.getData(path, options)) }
      return { type: 'children', path, children: (await nodes.getChildren(path, options)).children }
    } catch (error) {
      if (!(error instanceof ZookeeperError) || error.code === 'SESSION_EXPIRED') throw error
      return { type: 'error', path, code: error.code }
    }
  }

  return { multi, multiRead }
}

function toResult(result: MultiReadItemResult, path: string): MultiReadResult {
  if (result.type === 'error') return { type: 'error', path, code: errorName(result.error) }
  if (result.type === 'getChildren') return { type: 'children', path, children: result.children }
  return { type: 'data', path, data: result.data ?? Buffer.alloc(0), stat: result.stat }
}

function sameLength<T>(results: readonly T[], expected: number): readonly T[] {
  if (results.length !== expected) throw new DecodeError(`Read multi: ${results.length} results, expected ${expected}`)
  return results
}
