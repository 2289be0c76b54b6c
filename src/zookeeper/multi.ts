import { DecodeError } from '../runtime/errors.ts'
import type { JuteReader, JuteWriter } from './jute.ts'
import { opcodes } from './opcodes.ts'
import {
  type CreateRequest,
  create2Reply,
  createRequest,
  dataReply,
  type PathAndVersion,
  pathAndVersion,
  readRequest,
  type SetDataRequest,
  setDataRequest,
} from './operations.ts'
import { type Codec, type Stat, stat, texts } from './records.ts'

/** One operation of a multi as it goes over the wire. */
export type MultiItem =
  | (CreateRequest & { readonly type: 'create' | 'create2' | 'createContainer' })
  | (PathAndVersion & { readonly type: 'delete' | 'check' })
  | (SetDataRequest & { readonly type: 'setData' })

/** The outcome of one operation; `error` 0 is an operation that was rolled back because of another one. */
export type MultiItemResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat | undefined }
  | { readonly type: 'delete' | 'check' }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'error'; readonly error: number }

export interface MultiReadItem {
  readonly type: 'getData' | 'getChildren'
  readonly path: string
}

export type MultiReadItemResult =
  | { readonly type: 'getData'; readonly data: Buffer | undefined; readonly stat: Stat }
  | { readonly type: 'getChildren'; readonly children: readonly string[] }
  | { readonly type: 'error'; readonly error: number }

/** Each item stands behind a header (type, done, error); a header with `done` ends the list. @see MultiResponse */
function listOf<T>(
  write: (writer: JuteWriter, item: T, header: (type: number, error?: number) => void) => void,
  read: (reader: JuteReader, type: number) => T,
): Codec<readonly T[]> {
  return {
    write: (w, items) => {
      const header = (type: number, done: boolean, error: number): void => {
        w.int(type)
        w.bool(done)
        w.int(error)
      }
      for (const item of items) write(w, item, (type, error = -1) => header(type, false, error))
      header(-1, true, -1)
    },
    read: (r) => {
      const items: T[] = []
      for (;;) {
        const type = r.int()
        const done = r.bool()
        r.int()
        if (done) return items
        items.push(read(r, type))
      }
    },
  }
}

function unexpected(type: number): never {
  throw new DecodeError(`Read multi: operation type ${type}, expected a known one`)
}

export const multiRequest: Codec<readonly MultiItem[]> = listOf(
  (w, item, header) => {
    header(opcodes[item.type])
    if ('acl' in item) createRequest.write(w, item)
    else if ('data' in item) setDataRequest.write(w, item)
    else pathAndVersion.write(w, item)
  },
  (r, type) => {
    if (type === opcodes.create) return { type: 'create', ...createRequest.read(r) }
    if (type === opcodes.create2) return { type: 'create2', ...createRequest.read(r) }
    if (type === opcodes.createContainer) return { type: 'createContainer', ...createRequest.read(r) }
    if (type === opcodes.delete) return { type: 'delete', ...pathAndVersion.read(r) }
    if (type === opcodes.check) return { type: 'check', ...pathAndVersion.read(r) }
    if (type === opcodes.setData) return { type: 'setData', ...setDataRequest.read(r) }
    return unexpected(type)
  },
)

export const multiReply: Codec<readonly MultiItemResult[]> = listOf(
  (w, item, header) => {
    if (item.type === 'error') {
      header(opcodes.error, item.error)
      w.int(item.error)
    } else if (item.type === 'create') {
      header(item.stat === undefined ? opcodes.create : opcodes.create2, 0)
      if (item.stat === undefined) w.text(item.path)
      else create2Reply.write(w, { path: item.path, stat: item.stat })
    } else {
      header(opcodes[item.type], 0)
      if (item.type === 'setData') stat.write(w, item.stat)
    }
  },
  (r, type) => {
    if (type === opcodes.error) return { type: 'error', error: r.int() }
    if (type === opcodes.create) return { type: 'create', path: r.text(), stat: undefined }
    if (type === opcodes.create2 || type === opcodes.createContainer || type === opcodes.createTtl)
      return { type: 'create', ...create2Reply.read(r) }
    if (type === opcodes.setData) return { type: 'setData', stat: stat.read(r) }
    if (type === opcodes.delete) return { type: 'delete' }
    if (type === opcodes.check) return { type: 'check' }
    return unexpected(type)
  },
)

export const multiReadRequest: Codec<readonly MultiReadItem[]> = listOf(
  (w, item, header) => {
    header(opcodes[item.type])
    readRequest.write(w, { path: item.path, watch: false })
  },
  (r, type) => {
    const path = (): string => readRequest.read(r).path
    if (type === opcodes.getData) return { type: 'getData', path: path() }
    if (type === opcodes.getChildren) return { type: 'getChildren', path: path() }
    return unexpected(type)
  },
)

export const multiReadReply: Codec<readonly MultiReadItemResult[]> = listOf(
  (w, item, header) => {
    if (item.type === 'error') {
      header(opcodes.error, item.error)
      w.int(item.error)
    } else if (item.type === 'getData') {
      header(opcodes.getData, 0)
      dataReply.write(w, item)
    } else {
      header(opcodes.getChildren, 0)
      texts.write(w, item.children)
    }
  },
  (r, type) => {
    if (type === opcodes.error) return { type: 'error', error: r.int() }
    if (type === opcodes.getData) return { type: 'getData', data: r.bytes(), stat: stat.read(r) }
    if (type === opcodes.getChildren) return { type: 'getChildren', children: texts.read(r) }
    return unexpected(type)
  },
)
