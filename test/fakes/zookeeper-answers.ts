import { encode, type JuteReader, type JuteWriter } from '../../src/zookeeper/jute.ts'
import {
  type MultiItem,
  type MultiReadItemResult,
  multiReadReply,
  multiReadRequest,
  multiReply,
  multiRequest,
} from '../../src/zookeeper/multi.ts'
import { opcodes, watchModes } from '../../src/zookeeper/opcodes.ts'
import {
  childrenReply,
  create2Reply,
  createRequest,
  dataReply,
  onlyPath,
  pathAndVersion,
  readRequest,
  setDataRequest,
  watchRequest,
} from '../../src/zookeeper/operations.ts'
import { isWithin } from '../../src/zookeeper/paths.ts'
import { setWatches, stat, texts } from '../../src/zookeeper/records.ts'
import type { FakeData } from './zookeeper-data.ts'
import { type Caller, Refusal } from './zookeeper-tree.ts'
import type { FakeWatches } from './zookeeper-watches.ts'

/** Request types by the release they came with. */
export const knownSince: Readonly<Record<'3.4' | '3.5' | '3.9', readonly number[]>> = {
  '3.4': [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 100, 101, -11],
  '3.5': [15, 17, 18, 19, 21],
  '3.9': [22, 103, 105, 106],
}

export interface Asker {
  readonly caller: Caller
  readonly watches: FakeWatches
}

/** The body of the answer to one request. @throws Refusal */
export function answer(data: FakeData, asker: Asker, opcode: number, reader: JuteReader): Buffer {
  const { tree } = data
  const { caller, watches } = asker
  const reply = (write: (writer: JuteWriter) => void): Buffer => encode(write)
  const nothing = Buffer.alloc(0)

  const change = (item: MultiItem) => {
    const { result, events } = tree.change(item, caller)
    // Whoever watches hears of it before the writer has its answer.
    data.tell(events)
    return result
  }
  const created = (type: 'create' | 'create2' | 'createContainer'): Buffer => {
    const result = change({ type, ...createRequest.read(reader) })
    if (result.type !== 'create') throw new Refusal('SYSTEM_ERROR')
    const { path, stat: known } = result
    return reply((w) => (known === undefined ? onlyPath.write(w, path) : create2Reply.write(w, { path, stat: known })))
  }
  const readOne = (type: 'getData' | 'getChildren', path: string): MultiReadItemResult => {
    try {
      if (type === 'getData') return { type, ...tree.data(path, caller) }
      return { type, children: tree.children(path, caller).children }
    } catch (error) {
      if (error instanceof Refusal) return { type: 'error', error: error.code }
      throw error
    }
  }

  switch (opcode) {
    case opcodes.create:
      return created('create')
    case opcodes.create2:
      return created('create2')
    case opcodes.createContainer:
      return created('createContainer')
    case opcodes.delete:
      change({ type: 'delete', ...pathAndVersion.read(reader) })
      return nothing
    case opcodes.setData: {
      const result = change({ type: 'setData', ...setDataRequest.read(reader) })
      if (result.type !== 'setData') throw new Refusal('SYSTEM_ERROR')
      return reply((w) => stat.write(w, result.stat))
    }
    case opcodes.exists: {
      const { path, watch } = readRequest.read(reader)
      if (watch) watches.data.add(path)
      return reply((w) => stat.write(w, tree.stat(path)))
    }
    case opcodes.getData: {
      const { path, watch } = readRequest.read(reader)
      const found = tree.data(path, caller)
      if (watch) watches.data.add(path)
      return reply((w) => dataReply.write(w, found))
    }
    case opcodes.getChildren:
    case opcodes.getChildren2: {
      const { path, watch } = readRequest.read(reader)
      const found = tree.children(path, caller)
      if (watch) watches.children.add(path)
      return reply((w) =>
        opcode === opcodes.getChildren ? texts.write(w, found.children) : childrenReply.write(w, found),
      )
    }
    case opcodes.sync: {
      const path = onlyPath.read(reader)
      return reply((w) => onlyPath.write(w, path))
    }
    case opcodes.multi: {
      const { results, events } = tree.transact(multiRequest.read(reader), caller)
      data.tell(events)
      return reply((w) => multiReply.write(w, results))
    }
    case opcodes.multiRead: {
      const results = multiReadRequest.read(reader).map(({ type, path }) => readOne(type, path))
      return reply((w) => multiReadReply.write(w, results))
    }
    case opcodes.getEphemerals: {
      const prefix = onlyPath.read(reader)
      const found = tree.ephemeralsOf(caller.sessionId).filter((path) => isWithin(prefix, path))
      return reply((w) => texts.write(w, found))
    }
    case opcodes.addWatch: {
      const { path, mode } = watchRequest.read(reader)
      if (mode === watchModes.persistentRecursive) watches.recursive.add(path)
      else watches.persistent.add(path)
      return reply((w) => w.int(0))
    }
    case opcodes.setWatches:
    case opcodes.setWatches2:
      watches.replay(setWatches.read(reader))
      return nothing
    case opcodes.checkWatches:
      if (!watches.has(watchRequest.read(reader).path)) throw new Refusal('NO_WATCHER')
      return nothing
    case opcodes.removeWatches:
      if (!watches.remove(watchRequest.read(reader).path)) throw new Refusal('NO_WATCHER')
      return nothing
    case opcodes.ping:
      return nothing
    default:
      throw new Refusal('UNIMPLEMENTED')
  }
}
