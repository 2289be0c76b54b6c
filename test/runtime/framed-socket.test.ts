import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { DecodeError, UnavailableError } from '../../src/runtime/errors.ts'
import { createFrameReader, type FramedSocketOptions, openFramedSocket } from '../../src/runtime/framed-socket.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer(onSocket)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function options(port: number, more: Partial<FramedSocketOptions> = {}): FramedSocketOptions {
  return {
    host: '127.0.0.1',
    port,
    connectTimeoutMs: 1_000,
    maxFrameBytes: 1_000,
    signal: new AbortController().signal,
    onFrame: () => undefined,
    onClose: () => undefined,
    ...more,
  }
}

describe('createFrameReader()', () => {
  const frames = [Buffer.from('first'), Buffer.alloc(0), Buffer.from('second frame')]
  const bytes = Buffer.concat(frames.flatMap((frame) => [Buffer.from([0, 0, 0, frame.length]), frame]))

  it('cuts the same frames however the bytes arrive', () => {
    for (let size = 1; size <= bytes.length; size++) {
      const got: string[] = []
      const read = createFrameReader(
        1_000,
        (frame) => got.push(frame.toString()),
        (error) => expect(error).toBeUndefined(),
      )
      for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size))

      expect(got).toEqual(frames.map(String))
    }
  })

  it.each([
    ['negative', [0xff, 0xff, 0xff, 0xff], false],
    ['huge', [0x7f, 0xff, 0xff, 0xff], true],
    ['just over the cap', [0, 0, 3, 0xe9], true],
  ])('refuses a %s length before a byte of the frame is kept', (_, head, tooLong) => {
    const errors: Error[] = []
    const read = createFrameReader(
      1_000,
      () => undefined,
      (error) => errors.push(error),
    )
    read(Buffer.from([...head, 1, 2, 3]))
    read(Buffer.from([0, 0, 0, 1, 1]))

    expect(errors).toHaveLength(1)
    expect(errors[0]).toBeInstanceOf(DecodeError)
    expect(errors[0]).toMatchObject({ tooLong })
  })
})

describe('openFramedSocket()', () => {
  it('exchanges frames', async () => {
    const port = await listen((socket) => socket.pipe(socket))
    const echoed = await new Promise<string>((resolve, reject) => {
      openFramedSocket(options(port, { onFrame: (frame) => resolve(frame.toString()), onClose: reject })).then(
        (socket) => socket.send(Buffer.from('he'), Buffer.from('llo')),
        reject,
      )
    })

    expect(echoed).toBe('hello')
  })

  it('rejects with UnavailableError when nobody listens, and when nobody accepts in time', async () => {
    const port = await listen(() => undefined)
    await new Promise((resolve) => servers.pop()?.close(resolve))

    await expect(openFramedSocket(options(port))).rejects.toBeInstanceOf(UnavailableError)
    // A TLS handshake that nobody answers.
    const silent = await listen(() => undefined)
    await expect(openFramedSocket(options(silent, { connectTimeoutMs: 100, tls: {} }))).rejects.toMatchObject({
      timedOut: true,
    })
  })

  it('reports each end once: by the peer, by destroy, by abort, by what onFrame throws', async () => {
    const port = await listen((socket) => {
      socket.on('data', () => socket.destroy())
      socket.on('error', () => undefined)
    })
    const abort = new AbortController()
    const ends: string[] = []
    const open = (name: string, more: Partial<FramedSocketOptions> = {}) =>
      openFramedSocket(
        options(port, { onClose: (reason) => ends.push(`${name}: ${reason.message.slice(0, 13)}`), ...more }),
      )
    const one = await open('peer')
    const two = await open('destroy')
    await open('abort', { signal: abort.signal })

    one.send(Buffer.from('x'))
    two.destroy(new Error('enough for us'))
    two.destroy(new Error('again'))
    abort.abort(new Error('we are leaving'))
    await expect.poll(() => ends.length).toBe(3)

    expect(ends.sort()).toEqual(['abort: we are leavin', 'destroy: enough for us', 'peer: Connection to'])
  })
})
