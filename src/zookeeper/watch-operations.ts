import type { CallOptions, Request } from './calls.ts'
import type { Context } from './context.ts'
import { errorCodes, ZookeeperError } from './errors.ts'
import { opcodes, watchModes } from './opcodes.ts'
import { watchRequest } from './operations.ts'
import type { Watcher } from './watches.ts'

export interface LastingWatch {
  /** No event comes after this call; the server is told when it can be reached. */
  close(): void
}

export interface WatchOperations {
  /**
   * A watch that stays: `persistent` on the znode and its list of children, `recursive` on everything below it as well
   * (without `children` events). It is set again after a reconnect, but what happened in between is not reported.
   *
   * @throws ZookeeperError UNIMPLEMENTED on a server before 3.6.
   */
  addWatch(
    path: string,
    kind: 'persistent' | 'recursive',
    watcher: Watcher,
    options?: CallOptions,
  ): Promise<LastingWatch>
}

const anyWatcherType = 3

export function createWatchOperations(context: Context): WatchOperations {
  const { session, toServer } = context
  return {
    addWatch: async (path, kind, watcher, options = {}) => {
      const what = `Watch "${path}"`
      const target = toServer(what, path)
      const left = context.budget(options)
      if (!(session.known('addWatch') ?? (await context.supports('addWatch', left()))))
        throw new ZookeeperError(what, errorCodes.UNIMPLEMENTED, { detail: 'the server does not know lasting watches' })
      const registered = context.translated(watcher)
      // Before it is set, so that no event can be missed.
      session.watches.add(kind, target, registered)
      const mode = kind === 'recursive' ? watchModes.persistentRecursive : watchModes.persistent
      try {
        await session.call(
          {
            what,
            opcode: opcodes.addWatch,
            isRepeatable: true,
            write: (writer) => watchRequest.write(writer, { path: target, mode }),
            read: () => undefined,
          },
          left(),
        )
      } catch (error) {
        session.watches.remove(kind, target, registered)
        throw error
      }
      return {
        close: () => {
          const isLast = session.watches.remove(kind, target, registered)
          if (!isLast || session.watches.has(target) || session.state() !== 'connected') return
          const request: Request<void> = {
            what: `Remove watch on "${path}"`,
            opcode: opcodes.removeWatches,
            write: (writer) => watchRequest.write(writer, { path: target, mode: anyWatcherType }),
            read: () => undefined,
          }
          session.call(request, {}).catch(() => undefined)
        },
      }
    },
  }
}
