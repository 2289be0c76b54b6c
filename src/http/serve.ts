import { turns } from '../runtime/breathe.ts'
import { describeError, InvariantError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { answer } from './answer.ts'
import type { Connections } from './connections.ts'
import type { Door } from './door.ts'
import type { Serve } from './express-app.ts'
import { readRequest } from './read-request.ts'
import { type Request, type Response, type Route, refuse } from './route.ts'
import { type SendLimits, send } from './send.ts'
import { createTurns } from './turns.ts'

export interface ServeDeps {
  readonly limits: SendLimits & { readonly bodyMs: number }
  readonly connections: Connections
  readonly door: Door
  readonly logger: Logger
  /** True once the server is to stop: every answer is then the last of its connection. */
  readonly isStopping: () => boolean
  /** Takes an InvariantError that a route threw. */
  readonly fail: (error: InvariantError) => void
}

const bytesPerTurn = 64 * 1024

/** Serves requests from their head to the last byte of their answer, and keeps account of who waits for whom. */
export function createServe({ limits, connections, door, logger, isStopping, fail }: ServeDeps): Serve {
  const requests = createTurns()
  const chunks = turns()

  /**
   * Each 64 KiB of a long answer are begun in a turn of their own: fifty readers who open the same page at once would else
   * keep the loop so busy with unpacking and writing that a health check waits for all of them. Who waits for a turn
   * waits as a slow reader does: it may have to make room.
   */
  async function* inTurn(
    body: AsyncIterable<Uint8Array>,
    wait: (isWaiting: boolean) => void,
  ): AsyncGenerator<Uint8Array> {
    const turn = async (): Promise<void> => {
      wait(true)
      await chunks()
      wait(false)
    }
    await turn()
    let bytes = 0
    for await (const chunk of body) {
      yield chunk
      bytes += chunk.length
      if (bytes < bytesPerTurn) continue
      bytes = 0
      await turn()
    }
  }

  /** The route behind the door. */
  function behind({ path, handle }: Pick<Route, 'path' | 'handle'>): Pick<Route, 'path' | 'handle'> {
    const enter = async (request: Request): Promise<Response> => {
      const entered = await door.enter(request)
      return 'status' in entered ? entered : handle({ ...request, ...entered })
    }
    return { path, handle: enter }
  }

  const serveNow: Serve = async (incoming, outgoing, route) => {
    const { socket } = incoming
    const wait = (isWaiting: boolean): void => (isWaiting ? connections.blocked(socket) : connections.working(socket))
    const gone = new AbortController()
    const onClose = (): void => gone.abort()
    outgoing.once('close', onClose)
    connections.working(socket)
    try {
      const request = readRequest(incoming, incoming.originalUrl, incoming.params, gone.signal, wait, limits.bodyMs)
      const response = await answer(behind(route), request, logger)
      // A body that nobody will read, or a server that stops: the connection is of no further use.
      if (!incoming.complete || isStopping()) outgoing.setHeader('Connection', 'close')
      const headers = { ...response.headers, ...door.protection().headers }
      const { body: whole } = response
      const body = typeof whole === 'string' || whole instanceof Uint8Array ? whole : inTurn(whole, wait)
      await send(outgoing, { ...response, headers, body }, limits, wait)
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

  return (incoming, outgoing, route) => requests.next(incoming.socket, () => serveNow(incoming, outgoing, route))
}
