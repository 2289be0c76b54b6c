import type { Clock } from '../runtime/clock.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { createDeadlines } from './deadlines.ts'
import { ZookeeperError } from './errors.ts'
import { encode, type JuteReader, type JuteWriter } from './jute.ts'
import type { ReplyHeader } from './records.ts'

export interface Request<T> {
  /** For messages: `Read "/a"`. */
  readonly what: string
  readonly opcode: number
  readonly write?: (writer: JuteWriter) => void
  readonly read: (reader: JuteReader) => T
  /** Doing it twice does no harm: it is sent once more when the connection is lost before the answer. */
  readonly isRepeatable?: boolean
  /** Sent only when nothing else is in flight, and nothing else is sent until it is answered. */
  readonly isExclusive?: boolean
  /** Sees the error code (0 is success) before any later frame is looked at, unless nobody waits any more. */
  readonly onReply?: (error: number) => void
}

export interface CallOptions {
  /** The call rejects with the signal's reason when it aborts; a write may have happened all the same. */
  readonly signal?: AbortSignal
  /** How long the call may take, waiting for a connection included. */
  readonly timeoutMs?: number
}

/** A request on its way: settles exactly once, whatever happens first. */
export interface Call {
  readonly what: string
  readonly opcode: number
  readonly body: Buffer
  readonly isRepeatable: boolean
  readonly isExclusive: boolean
  isSettled(): boolean
  /** How often it was sent. */
  attempts: number
  /** @throws DecodeError when the answer is not what the protocol says; the call has failed with it then. */
  answer(header: ReplyHeader, reader: JuteReader): void
  fail(reason: Error): void
}

export interface Calls {
  start<T>(request: Request<T>, options: CallOptions): { readonly call: Call; readonly result: Promise<T> }
  stop(): void
}

/** Makes calls with their deadlines and signals. */
export function createCalls(clock: Clock, defaultTimeoutMs: number): Calls {
  const deadlines = createDeadlines(clock)
  const aborts = createAbortHub()

  function start<T>(request: Request<T>, options: CallOptions): { call: Call; result: Promise<T> } {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
    const { signal } = options
    let isSettled = false
    let resolve: (value: T) => void = () => undefined
    let reject: (reason: unknown) => void = () => undefined
    const result = new Promise<T>((yes, no) => {
      resolve = yes
      reject = no
    })
    const deadline = {
      at: clock.monotonic() + timeoutMs,
      expire: () =>
        settle(() => reject(new UnavailableError(`${request.what}: no answer in ${timeoutMs} ms`, { timedOut: true }))),
    }
    const onAbort = (): void => settle(() => reject(signal?.reason))
    const settle = (how: () => void): void => {
      if (isSettled) return
      isSettled = true
      deadlines.remove(deadline)
      if (signal !== undefined) aborts.remove(signal, onAbort)
      how()
    }
    const call: Call = {
      what: request.what,
      opcode: request.opcode,
      body: request.write === undefined ? Buffer.alloc(0) : encode(request.write),
      isRepeatable: request.isRepeatable ?? false,
      isExclusive: request.isExclusive ?? false,
      attempts: 0,
      isSettled: () => isSettled,
      fail: (reason) => settle(() => reject(reason)),
      answer: (header, reader) => {
        if (!isSettled) request.onReply?.(header.error)
        if (header.error !== 0) return settle(() => reject(new ZookeeperError(request.what, header.error)))
        try {
          const value = request.read(reader)
          settle(() => resolve(value))
        } catch (error) {
          settle(() => reject(error))
          throw error
        }
      },
    }
    if (signal?.aborted) onAbort()
    else {
      deadlines.add(deadline)
      if (signal !== undefined) aborts.add(signal, onAbort)
    }
    return { call, result }
  }

  return { start, stop: deadlines.stop }
}

/** One listener per signal, however many calls share it: Node warns of a leak past ten. */
function createAbortHub() {
  const hub = new WeakMap<AbortSignal, Set<() => void>>()
  return {
    add: (signal: AbortSignal, onAbort: () => void): void => {
      const known = hub.get(signal)
      if (known !== undefined) {
        known.add(onAbort)
        return
      }
      const listeners = new Set([onAbort])
      hub.set(signal, listeners)
      signal.addEventListener(
        'abort',
        () => {
          for (const listener of [...listeners]) listener()
        },
        { once: true },
      )
    },
    remove: (signal: AbortSignal, onAbort: () => void): void => {
      hub.get(signal)?.delete(onAbort)
    },
  }
}
