import { createServer, type Socket } from 'node:net'
import { createFrameReader } from '../../src/runtime/framed-socket.ts'
import { errorCodes } from '../../src/zookeeper/errors.ts'
import { encode, JuteReader } from '../../src/zookeeper/jute.ts'
import { maxRequestBytes, opcodes, xids } from '../../src/zookeeper/opcodes.ts'
import {
  authPacket,
  type ConnectRequest,
  connectRequest,
  connectResponse,
  replyHeader,
  requestHeader,
  watcherEvent,
} from '../../src/zookeeper/records.ts'
import { answer, knownSince } from './zookeeper-answers.ts'
import { createFakeData, type FakeData, type FakeSession } from './zookeeper-data.ts'
import { digestOf, Refusal } from './zookeeper-tree.ts'
import { createFakeWatches } from './zookeeper-watches.ts'

/** What becomes of the answer to one request. */
type Fault =
  | { readonly kind: 'error'; readonly code: number }
  /** These bytes instead of the framed answer. */
  | { readonly kind: 'raw'; readonly bytes: Buffer }
  /** The first half of the answer, then the end of the connection. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'close' }
  | { readonly kind: 'silence' }

interface FakeRequest {
  readonly xid: number
  readonly opcode: number
  readonly bytes: number
}

export interface FakeZookeeperOptions {
  /** Which requests it knows; default 3.9. */
  readonly version?: '3.4' | '3.5' | '3.9'
  /** Servers with the same data are an ensemble; default its own. */
  readonly data?: FakeData
  /** What it grants at most; default what it is asked for. */
  readonly maxSessionTimeoutMs?: number
}

export interface FakeZookeeper extends AsyncDisposable {
  readonly port: number
  readonly connect: string
  readonly data: FakeData
  /** Every request since the start, pings included. */
  readonly requests: readonly FakeRequest[]
  /** Every first frame of a client. */
  readonly hellos: readonly ConnectRequest[]
  /** Handshakes answered with a session. */
  readonly handshakes: () => number
  /** TCP connections accepted. */
  readonly accepted: () => number
  readonly connections: () => number
  /** Looks at each request; a fault takes the place of the answer. The request is carried out unless it is an `error`. */
  onRequest: (request: FakeRequest) => Fault | undefined
  /** `close`: as a server that has seen less than the client. `silent`: accepts and says nothing. */
  handshake: 'answer' | 'close' | 'silent' | 'new-session'
  /** Neither reads nor writes, as a process that was stopped; connections are accepted by the kernel. */
  freeze(): void
  thaw(): void
  dropConnections(): void
  /** Sends bytes to every client. */
  sendRaw(bytes: Buffer): void
  stop(): Promise<void>
}

interface Peer {
  readonly socket: Socket
  readonly sessionId: () => bigint | undefined
}

/** A small ZooKeeper in this process: sessions, ephemerals, watches of all kinds, digest ACLs, transactions, faults. */
export async function startFakeZookeeper(options: FakeZookeeperOptions = {}): Promise<FakeZookeeper> {
  const { version = '3.9', data = createFakeData() } = options
  const known = new Set<number>()
  for (const release of ['3.4', '3.5', '3.9'] as const) {
    for (const opcode of knownSince[release]) known.add(opcode)
    if (release === version) break
  }
  const requests: FakeRequest[] = []
  const hellos: ConnectRequest[] = []
  const peers = new Set<Peer>()
  /** What a frozen server would say as soon as it runs again. */
  const held: (() => void)[] = []
  let handshakes = 0
  let accepted = 0
  let isFrozen = false

  const server = createServer((socket) => {
    accepted++
    serve(socket)
    if (isFrozen) socket.pause()
  })

  function serve(socket: Socket): void {
    let session: FakeSession | undefined
    const ids = new Set<string>(['world:anyone'])
    const watches = createFakeWatches(data.tree, ({ type, path }) => {
      const zxid = version === '3.9' ? data.tree.zxid() : -1n
      const body = encode((w) => watcherEvent.write(w, { type, state: 3, path }))
      send(
        encode((w) => replyHeader.write(w, { xid: xids.notification, zxid, error: 0 })),
        body,
      )
    })
    const listener = {
      fire: watches.fire,
      sessionEnded: (id: bigint): void => {
        if (id === session?.id) socket.destroy()
      },
    }
    const peer: Peer = { socket, sessionId: () => session?.id }
    peers.add(peer)
    data.listeners.add(listener)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      peers.delete(peer)
      data.listeners.delete(listener)
    })
    socket.on(
      'data',
      createFrameReader(maxRequestBytes, onFrame, () => socket.destroy()),
    )

    function send(...parts: readonly Buffer[]): void {
      if (isFrozen) held.push(() => socket.write(framed(...parts)))
      else socket.write(framed(...parts))
    }

    function onFrame(frame: Buffer): void {
      const reader = new JuteReader(frame)
      if (session === undefined) {
        greet(reader)
        return
      }
      session.heardAt = performance.now()
      const { xid, opcode } = requestHeader.read(reader)
      const request = { xid, opcode, bytes: frame.length }
      requests.push(request)
      const fault = fake.onRequest(request)
      if (fault?.kind === 'error') reply(xid, fault.code)
      else respond(xid, opcode, reader, fault)
    }

    function respond(xid: number, opcode: number, reader: JuteReader, fault: Fault | undefined): void {
      if (!known.has(opcode)) {
        reply(xid, errorCodes.UNIMPLEMENTED)
        socket.end()
        return
      }
      if (opcode === opcodes.closeSession) {
        reply(xid, 0)
        socket.end()
        if (session !== undefined) data.endSession(session.id)
        return
      }
      let body: Buffer = Buffer.alloc(0)
      let error = 0
      try {
        if (opcode === opcodes.auth) authenticate(reader)
        else body = answer(data, { caller: { sessionId: session?.id ?? 0n, ids }, watches }, opcode, reader)
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal
        error = refusal.code
      }
      reply(xid, error, body, fault)
    }

    function authenticate(reader: JuteReader): void {
      const { scheme, credential } = authPacket.read(reader)
      if (scheme !== 'digest') throw new Refusal('AUTH_FAILED')
      ids.add(`digest:${digestOf(credential.toString())}`)
    }

    function reply(xid: number, error: number, body: Buffer = Buffer.alloc(0), fault?: Fault): void {
      const bytes = framed(
        encode((w) => replyHeader.write(w, { xid, zxid: data.tree.zxid(), error })),
        body,
      )
      if (fault?.kind === 'silence') return
      if (fault?.kind === 'close') {
        socket.destroy()
        return
      }
      if (fault?.kind === 'cut') {
        socket.end(bytes.subarray(0, bytes.length >> 1))
        return
      }
      socket.write(fault?.kind === 'raw' ? fault.bytes : bytes)
    }

    function greet(reader: JuteReader): void {
      const hello = connectRequest.read(reader)
      hellos.push(hello)
      if (fake.handshake === 'silent') return
      if (fake.handshake === 'close' || hello.lastZxidSeen > data.tree.zxid()) {
        socket.end()
        return
      }
      const old = fake.handshake === 'new-session' ? undefined : data.sessions.get(hello.sessionId)
      const isResumed = old?.password.equals(hello.password) === true
      const isExpired = hello.sessionId !== 0n && !isResumed && fake.handshake !== 'new-session'
      if (isExpired) {
        send(
          encode((w) =>
            connectResponse.write(w, { timeoutMs: 0, sessionId: 0n, password: Buffer.alloc(16), readOnly: false }),
          ),
        )
        socket.end()
        return
      }
      handshakes++
      const timeoutMs = Math.min(hello.timeoutMs, options.maxSessionTimeoutMs ?? hello.timeoutMs)
      const granted = isResumed && old !== undefined ? old : data.newSession(timeoutMs)
      // A session is on one connection at a time.
      for (const other of peers) if (other.sessionId() === granted.id) other.socket.destroy()
      session = granted
      granted.heardAt = performance.now()
      const { id, password } = granted
      send(
        encode((w) =>
          connectResponse.write(w, { timeoutMs: granted.timeoutMs, sessionId: id, password, readOnly: false }),
        ),
      )
    }
  }

  const reaper = setInterval(() => {
    if (isFrozen) return
    for (const { id, heardAt, timeoutMs } of [...data.sessions.values()])
      if (performance.now() - heardAt > timeoutMs) data.endSession(id)
  }, 20)
  reaper.unref()

  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })

  const stop = async (): Promise<void> => {
    clearInterval(reaper)
    for (const { socket } of peers) socket.destroy()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
  }

  const fake: FakeZookeeper = {
    port,
    connect: `127.0.0.1:${port}`,
    data,
    requests,
    hellos,
    handshakes: () => handshakes,
    accepted: () => accepted,
    connections: () => peers.size,
    onRequest: () => undefined,
    handshake: 'answer',
    freeze: () => {
      isFrozen = true
      for (const { socket } of peers) socket.pause()
    },
    thaw: () => {
      isFrozen = false
      for (const say of held.splice(0)) say()
      for (const { socket } of peers) socket.resume()
    },
    dropConnections: () => {
      for (const { socket } of peers) socket.destroy()
    },
    sendRaw: (bytes) => {
      for (const { socket } of peers) socket.write(bytes)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
  return fake
}

/** The parts as one frame behind its length. */
export function framed(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(4)
  head.writeInt32BE(body.length)
  return Buffer.concat([head, body])
}
