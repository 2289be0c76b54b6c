import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { answer } from './answer.ts'
import type { Connections } from './connections.ts'
import type { Serve } from './express-app.ts'
import { readRequest } from './read-request.ts'
import { refuse } from './route.ts'
import { type SendLimits, send } from './send.ts'
import { createTurns } from './turns.ts'

export interface ServeDeps {
  readonly limits: SendLimits
  readonly connections: Connections
  readonly logger: Logger
  /** True once the server is to stop: every answer is then the last of its connection. */
  readonly isStopping: () => boolean
  /** Takes an InvariantError that a route threw. */
  readonly fail: (error: InvariantError) => void
}

/** Serves requests from their head to the last byte of their answer, and keeps account of who waits for whom. */
export function createServe({ limits, connections, logger, isStopping, fail }: ServeDeps): Serve {
  const turns = createTurns()

  const serveNow: Serve = async (incoming, outgoing, route) => {
    const { socket } = incoming
    const wait = (isWaiting: boolean): void => (isWaiting ? connections.blocked(socket) : connections.working(socket))
    const gone = new AbortController()
    const onClose = (): void => gone.abort()
    outgoing.once('close', onClose)
    connections.working(socket)
    try {
      const request = readRequest(incoming, incoming.originalUrl, incoming.params, gone.signal, wait)
      const response = await answer(route, request, logger)
      // A body that nobody will read, or a server that stops: the connection is of no further use.
      if (!incoming.complete || isStopping()) outgoing.setHeader('Connection', 'close')
      await send(outgoing, response, limits, wait)
    } catch (error) {
      if (error instanceof InvariantError) {
        await send(outgoing, refuse(500, 'Internal error'), limits, wait).catch(() => undefined)
        fail(error)
      } else logger.debug({ path: route.path, error: describeError(error) }, 'Answer not sent whole')
    } finally {
      outgoing.off('close', onClose)
      connections.idle(socket)
      if (isStopping()) connections.closeIdle()
    }
  }

  return (incoming, outgoing, route) => turns.next(incoming.socket, () => serveNow(incoming, outgoing, route))
}
