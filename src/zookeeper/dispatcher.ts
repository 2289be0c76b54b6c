import type { Clock } from '../runtime/clock.ts'
import { DecodeError, UnavailableError } from '../runtime/errors.ts'
import { type Call, type CallOptions, createCalls, type Request } from './calls.ts'
import type { Connection } from './connection.ts'
import { badArguments } from './errors.ts'
import { maxRequestBytes } from './opcodes.ts'
import { createCallQueue } from './queue.ts'

export interface Dispatcher {
  /** Waits for a connection if need be. @throws as the calls of the client. */
  call<T>(request: Request<T>, options: CallOptions): Promise<T>
  /** From now on calls go out over this connection. */
  attach(connection: Connection): void
  /** There is room for more. */
  pump(): void
  /** The connection is gone: reads without an answer wait for the next one, other calls fail. */
  detach(reason: Error, unanswered: readonly Call[]): void
  /** Fails what waits. */
  failWaiting(reason: (what: string) => Error): void
  /** No more calls from now on, until `open`; what waits fails. */
  close(): void
  open(): void
  isClosed(): boolean
  /** Sends a call over a connection that calls do not go over yet. */
  sendFirst<T>(connection: Connection, request: Request<T>, timeoutMs: number): Promise<T>
  /** Sends a call past the closed door and says whether it was answered with success in time. */
  sendLast(request: Request<unknown>, timeoutMs: number): Promise<boolean>
  /** Gives back the timer of the deadlines. */
  stop(): void
  started(): number
}

/** More in flight than this waits here, where it can still be given up. */
const maxInFlight = 1_000
const headerBytes = 8

/** Requests on their way to whatever connection there is. */
export function createDispatcher(clock: Clock, requestTimeoutMs: number): Dispatcher {
  const calls = createCalls(clock, requestTimeoutMs)
  const queue = createCallQueue()
  let current: Connection | undefined
  let isExclusive = false
  let isClosed = false
  let started = 0

  function pump(): void {
    while (current !== undefined) {
      const next = queue.first()
      const inFlight = current.inFlight()
      if (inFlight === 0) isExclusive = false
      if (next === undefined || isExclusive || inFlight >= maxInFlight) return
      if (next.isExclusive && inFlight > 0) return
      isExclusive = next.isExclusive
      queue.shift()
      current.send(next)
    }
  }

  function failWaiting(reason: (what: string) => Error): void {
    for (const waiting of queue.takeAll()) waiting.fail(reason(waiting.what))
  }

  return {
    call: (request, options) => {
      if (isClosed) return Promise.reject(closedError(request.what))
      const { call, result } = calls.start(request, options)
      const room = maxRequestBytes - headerBytes
      if (call.body.length > room)
        call.fail(badArguments(request.what, `${call.body.length} bytes, expected at most ${room}`))
      started++
      if (!call.isSettled()) {
        queue.push(call)
        pump()
      }
      return result
    },
    attach: (connection) => {
      current = connection
      pump()
    },
    pump,
    detach: (reason, unanswered) => {
      current = undefined
      isExclusive = false
      const again: Call[] = []
      for (const [index, call] of unanswered.entries()) {
        // A malformed frame was most likely the answer to the first call: asked again, it would come again.
        if (index === 0 && reason instanceof DecodeError) call.fail(reason)
        else if (call.isRepeatable && call.attempts < 2 && !isClosed) again.push(call)
        else
          call.fail(
            new UnavailableError(`${call.what}: connection lost before the answer, outcome unknown`, { cause: reason }),
          )
      }
      queue.putBack(again)
    },
    failWaiting,
    close: () => {
      isClosed = true
      failWaiting(closedError)
    },
    open: () => {
      isClosed = false
    },
    isClosed: () => isClosed,
    sendFirst: (connection, request, timeoutMs) => {
      const { call, result } = calls.start(request, { timeoutMs })
      connection.send(call)
      return result
    },
    sendLast: async (request, timeoutMs) => {
      const { call, result } = calls.start(request, { timeoutMs })
      if (current === undefined) call.fail(closedError(request.what))
      else current.send(call)
      return result.then(
        () => true,
        () => false,
      )
    },
    stop: calls.stop,
    started: () => started,
  }
}

function closedError(what: string): Error {
  return new UnavailableError(`${what}: the ZooKeeper client is closed`)
}
