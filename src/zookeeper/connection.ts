import type { Clock } from '../runtime/clock.ts'
import { DecodeError, UnavailableError } from '../runtime/errors.ts'
import type { Call } from './calls.ts'
import { formatServer } from './connect-string.ts'
import { type DialOptions, dial } from './dial.ts'
import { ZookeeperError } from './errors.ts'
import { encode, JuteReader } from './jute.ts'
import { opcodes, xids } from './opcodes.ts'
import {
  authPacket,
  type ConnectResponse,
  type ReplyHeader,
  replyHeader,
  requestHeader,
  type WatcherEvent,
  watcherEvent,
} from './records.ts'

export interface ConnectionOptions extends DialOptions {
  /** From 0 to below 1. */
  readonly random: () => number
  readonly onEvent: (event: WatcherEvent) => void
  /** After each answer to a call or to SetWatches. */
  readonly onReply: (opcode: number, header: ReplyHeader) => void
  /** Once, with the calls that got no answer, in their order. */
  readonly onClose: (reason: Error, unanswered: readonly Call[]) => void
}

export interface Connection {
  readonly response: ConnectResponse
  send(call: Call): void
  authenticate(scheme: string, credential: Uint8Array): void
  /** `packet` is an encoded SetWatches or SetWatches2. */
  setWatches(opcode: number, packet: Buffer): void
  inFlight(): number
  /** When the last answer came, on the monotonic clock. */
  heardAt(): number
  /** When the last request was sent that has been answered: the server's session timer started no earlier. */
  confirmedAt(): number
  destroy(reason: Error): void
}

export type Opened =
  | { readonly kind: 'open'; readonly connection: Connection }
  | { readonly kind: 'expired' }
  | { readonly kind: 'refused'; readonly reason: Error }

const xidsToStartFrom = 2 ** 30

interface Sent {
  readonly xid: number
  readonly opcode: number
  readonly at: number
  readonly call: Call | undefined
}

/**
 * Opens one connection: answers are matched by number and in order; a ping goes out after a third of the session
 * timeout without a request; two thirds without an answer are its end. All it knows dies with it.
 *
 * @throws as `dial`.
 */
export async function openConnection(options: ConnectionOptions): Promise<Opened> {
  const { clock } = options
  const address = formatServer(options.server)
  const calls: Sent[] = []
  /** Pings, auth and SetWatches: each kind is answered in an order of its own. */
  const control: Sent[] = []
  const closed = new AbortController()
  const startedAt = clock.monotonic()
  const timing = { sentAt: startedAt, confirmedAt: startedAt, heardAt: startedAt }
  // Servers match commits by session and number: those of a connection from before, of this process or another with the
  // same session, must not be taken for answers to ours. A server of 3.9.5 gave wrong answers and died of it.
  let lastXid = Math.floor(options.random() * xidsToStartFrom)

  const dialled = await dial(options, {
    onFrame: (frame) => {
      timing.heardAt = clock.monotonic()
      const reader = new JuteReader(frame)
      onFrame(replyHeader.read(reader), reader)
    },
    onClose: (reason) => {
      closed.abort()
      options.onClose(
        reason,
        calls.splice(0).flatMap(({ call }) => (call === undefined ? [] : [call])),
      )
    },
  })
  if (dialled.kind !== 'open') return dialled
  const { socket, response } = dialled
  timing.heardAt = clock.monotonic()

  function onFrame(header: ReplyHeader, reader: JuteReader): void {
    if (header.xid === xids.notification) options.onEvent(watcherEvent.read(reader))
    else if (header.xid < 0) onControlReply(header)
    else onReply(header, reader)
  }

  function onReply(header: ReplyHeader, reader: JuteReader): void {
    const sent = calls[0]
    if (sent === undefined || sent.xid !== header.xid)
      throw new DecodeError(`Read reply: request number ${header.xid}, expected ${sent?.xid ?? 'none'}`)
    calls.shift()
    timing.confirmedAt = sent.at
    sent.call?.answer(header, reader)
    options.onReply(sent.opcode, header)
  }

  function onControlReply(header: ReplyHeader): void {
    const index = control.findIndex(({ xid }) => xid === header.xid)
    const [sent] = index < 0 ? [] : control.splice(index, 1)
    if (sent === undefined) throw new DecodeError(`Read reply: request number ${header.xid}, expected none`)
    timing.confirmedAt = Math.max(timing.confirmedAt, sent.at)
    if (header.xid === xids.auth && header.error !== 0)
      throw new UnavailableError(`Authenticate at "${address}" failed`, {
        cause: new ZookeeperError('Authenticate', header.error),
      })
    if (header.xid === xids.setWatches) options.onReply(sent.opcode, header)
  }

  function transmit(to: Sent[], xid: number, opcode: number, body: Uint8Array, call?: Call): void {
    timing.sentAt = clock.monotonic()
    to.push({ xid, opcode, at: timing.sentAt, call })
    socket.send(
      encode((writer) => requestHeader.write(writer, { xid, opcode }), 8),
      body,
    )
  }

  const ping = (): void => transmit(control, xids.ping, opcodes.ping, Buffer.alloc(0))
  void keepAlive(clock, timing, response.timeoutMs, closed.signal, ping).then((reason) => {
    if (reason !== undefined) socket.destroy(new UnavailableError(`Connection to "${address}": ${reason}`, timedOut))
  })

  return {
    kind: 'open',
    connection: {
      response,
      send: (call) => {
        lastXid = lastXid === 0x7fff_ffff ? 1 : lastXid + 1
        call.attempts++
        transmit(calls, lastXid, call.opcode, call.body, call)
      },
      authenticate: (scheme, credential) =>
        transmit(
          control,
          xids.auth,
          opcodes.auth,
          encode((writer) => authPacket.write(writer, { scheme, credential })),
        ),
      setWatches: (opcode, packet) => transmit(control, xids.setWatches, opcode, packet),
      inFlight: () => calls.length,
      heardAt: () => timing.heardAt,
      confirmedAt: () => timing.confirmedAt,
      destroy: (reason) => socket.destroy(reason),
    },
  }
}

const timedOut = { timedOut: true }

/**
 * Watches one connection until it closes; says what is wrong when the peer is silent for two thirds of the session
 * timeout. Time in which our own event loop stood still is not the peer's silence.
 */
async function keepAlive(
  clock: Clock,
  timing: { readonly sentAt: number; heardAt: number },
  timeoutMs: number,
  closed: AbortSignal,
  ping: () => void,
): Promise<string | undefined> {
  const tickMs = Math.min(500, Math.max(10, timeoutMs / 30))
  // A tick sooner, so that the silence is noticed within two thirds and not after.
  const silenceMs = (timeoutMs * 2) / 3 - tickMs
  let lookedAt = clock.monotonic()
  while (!closed.aborted) {
    await clock.sleep(tickMs, closed)
    if (closed.aborted) return undefined
    const now = clock.monotonic()
    const stalledMs = now - lookedAt - tickMs
    lookedAt = now
    if (stalledMs > tickMs) timing.heardAt = Math.min(now, timing.heardAt + stalledMs)
    if (now - timing.heardAt >= silenceMs) return `no answer for ${Math.round(now - timing.heardAt)} ms`
    if (now - timing.sentAt >= timeoutMs / 3) ping()
  }
  return undefined
}
