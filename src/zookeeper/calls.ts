import type { Clock } from '../runtime/clock.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { createDeadlines, type Deadlines } from './deadlines.ts'
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
  const keepers = { deadlines: createDeadlines(clock), aborts: createAbortHub() }
  return {
    start: <T>(request: Request<T>, options: CallOptions) => {
      const { signal, timeoutMs = defaultTimeoutMs } = options
      const call = new PendingCall(request, signal, timeoutMs, clock.monotonic() + timeoutMs, keepers)
      return { call, result: call.result }
    },
    stop: keepers.deadlines.stop,
  }
}

interface Keepers {
  readonly deadlines: Deadlines
  readonly aborts: AbortHub
}

/** A class: of fifty thousand requests each would have ten closures of its own otherwise. */
class PendingCall<T> implements Call {
  readonly what: string
  readonly opcode: number
  readonly body: Buffer
  readonly isRepeatable: boolean
  readonly isExclusive: boolean
  /** Of the deadline, on the monotonic clock. */
  readonly at: number
  readonly result: Promise<T>
  attempts = 0
  readonly #request: Request<T>
  readonly #signal: AbortSignal | undefined
  readonly #timeoutMs: number
  readonly #keepers: Keepers
  #isSettled = false
  #resolve: (value: T) => void = () => undefined
  #reject: (reason: unknown) => void = () => undefined

  constructor(request: Request<T>, signal: AbortSignal | undefined, timeoutMs: number, at: number, keepers: Keepers) {
    this.what = request.what
    this.opcode = request.opcode
    this.body = request.write === undefined ? noBody : encode(request.write)
    this.isRepeatable = request.isRepeatable ?? false
    this.isExclusive = request.isExclusive ?? false
    this.at = at
    this.#request = request
    this.#signal = signal
    this.#timeoutMs = timeoutMs
    this.#keepers = keepers
    this.result = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (signal?.aborted) this.abort()
    else {
      keepers.deadlines.add(this)
      if (signal !== undefined) keepers.aborts.add(signal, this)
    }
  }

  isSettled(): boolean {
    return this.#isSettled
  }

  answer(header: ReplyHeader, reader: JuteReader): void {
    const { onReply, read } = this.#request
    if (!this.#isSettled) onReply?.(header.error)
    if (header.error !== 0) {
      this.fail(new ZookeeperError(this.what, header.error))
      return
    }
    try {
      const value = read(reader)
      if (this.#settle()) this.#resolve(value)
    } catch (error) {
      if (this.#settle()) this.#reject(error)
      throw error
    }
  }

  fail(reason: Error): void {
    if (this.#settle()) this.#reject(reason)
  }

  expire(): void {
    const message = `${this.what}: no answer in ${this.#timeoutMs} ms`
    this.fail(new UnavailableError(message, { timedOut: true }))
  }

  abort(): void {
    if (this.#settle()) this.#reject(this.#signal?.reason)
  }

  /** True the first time. */
  #settle(): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    this.#keepers.deadlines.remove(this)
    if (this.#signal !== undefined) this.#keepers.aborts.remove(this.#signal, this)
    return true
  }
}

const noBody = Buffer.alloc(0)

interface Abortable {
  abort(): void
}

interface AbortHub {
  add(signal: AbortSignal, call: Abortable): void
  remove(signal: AbortSignal, call: Abortable): void
}

/** One listener per signal, however many calls share it: Node warns of a leak past ten. */
function createAbortHub(): AbortHub {
  const hub = new WeakMap<AbortSignal, Set<Abortable>>()
  return {
    add: (signal, call) => {
      const known = hub.get(signal)
      if (known !== undefined) {
        known.add(call)
        return
      }
      const calls = new Set([call])
      hub.set(signal, calls)
      signal.addEventListener(
        'abort',
        () => {
          for (const one of [...calls]) one.abort()
        },
        { once: true },
      )
    },
    remove: (signal, call) => {
      hub.get(signal)?.delete(call)
    },
  }
}
