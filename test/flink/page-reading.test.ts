import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type PageRequest, readPage } from '../../src/flink/read-page.ts'
import { turn } from '../../src/runtime/breathe.ts'
import { captured } from './captured-pages.ts'

const path = '1.20.5/03-backpressure-75s/taskmanager-1'
const page = captured(path)
const tmId = '127_0_0_1:20130_3771c3'
const endless = 'HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n'
const never = new AbortController().signal

interface Peer extends AsyncDisposable {
  readonly url: string
  open(): number
}

/** Somebody on a port of loopback who does to each connection as told. */
async function peer(onSocket: (socket: Socket) => unknown): Promise<Peer> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    Promise.resolve(onSocket(socket)).catch(() => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/metrics`,
    open: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function httpPeer(listener: RequestListener): Promise<Peer> {
  const http = createServer(listener)
  return await peer((socket) => http.emit('connection', socket))
}

function ask(url: string, more: Partial<PageRequest> = {}, signal = never) {
  const request = { url, tmId, isPacked: true, deadlineMs: 5_000, mostBytes: 4e6, intern: (text: string) => text, turn }
  return readPage({ ...request, ...more }, signal)
}

/** Writes until the other end has had enough. */
async function pour(socket: Socket, more: () => Buffer): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
  while (!socket.destroyed) {
    const isFull = !socket.write(more())
    if (isFull) await Promise.race([new Promise<void>((resolve) => void socket.once('drain', () => resolve())), closed])
  }
}

/** For however long a busy machine takes. */
function eventually<T>(read: () => T) {
  return expect.poll(read, { timeout: 10_000, interval: 2 })
}

describe('readPage()', () => {
  it.each([
    ['as it is', false],
    ['packed', true],
  ])('reads a page %s, and has closed its socket then', async (_, isPacked) => {
    await using reporter = await httpPeer((request, response) => {
      expect(request.headers['accept-encoding']).toBe(isPacked ? 'gzip' : 'identity')
      if (isPacked) response.setHeader('Content-Encoding', 'gzip')
      response.end(isPacked ? gzipSync(page) : page)
    })

    const read = await ask(reporter.url, { isPacked })

    expect(read).toMatchObject({ tmId, bytes: page.length, badLines: 0, partitions: { length: 12 } })
    await eventually(() => reporter.open()).toBe(0)
  })

  it.each([tmId, '127.0.0.1:20130-3771c3'])('takes the page of the process that is known as %s', async (expected) => {
    await using reporter = await httpPeer((_, response) => response.end(page))

    expect(await ask(reporter.url, { tmId: expected })).toMatchObject({ partitions: { length: 12 } })
  })

  it('gives up at the first line of another process, and takes nothing from it', async () => {
    let sent = 0
    await using reporter = await peer(async (socket) => {
      await once(socket, 'data')
      socket.write(endless)
      await pour(socket, () => {
        sent += page.length
        return page
      })
    })

    expect(await ask(reporter.url, { tmId: 'container_1_000002' })).toEqual({
      kind: 'other_process',
      why: `its page is of "${tmId}", expected "container_1_000002"`,
    })
    await eventually(() => sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(20e6)
  })

  it.each<[string, string, string]>([
    ['is of a JobManager', captured('1.20.5/02-running/jobmanager').toString(), 'no_flink_page'],
    ['is HTML', '<html>\n</html>\n', 'no_flink_page'],
    ['is empty', '', 'no_flink_page'],
    [
      'is binary',
      Buffer.from(Array.from({ length: 9_999 }, (_, at) => (at * 7919) % 256)).toString('latin1'),
      'no_flink_page',
    ],
    ['ends within a line', page.toString().trimEnd(), 'failed'],
  ])('has no page of one that %s', async (_, text, kind) => {
    await using reporter = await httpPeer((__, response) => response.end(text))

    expect(await ask(reporter.url)).toMatchObject({ kind })
  })

  it.each<[string, string, string]>([
    ['an error', 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n', 'failed'],
    ['a redirect', 'HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n', 'failed'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 'failed'],
    ['an encoding that was not asked for', 'HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx', 'failed'],
    ['two encodings', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\nx', 'failed'],
    ['broken gzip', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot so', 'failed'],
    ['less than it promised', `HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n${page}`, 'failed'],
    [
      'chunks without an end',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${page.length.toString(16)}\r\n${page}\r\n`,
      'failed',
    ],
    ['no length', `HTTP/1.1 200 OK\r\n\r\n${page}`, 'failed'],
    ['nothing', '', 'failed'],
  ])('says what is wrong with an answer of %s', async (_, text, kind) => {
    await using reporter = await peer(async (socket) => {
      await once(socket, 'data')
      socket.end(text)
    })

    const read = await ask(reporter.url)

    expect(read).toMatchObject({ kind, why: expect.stringMatching(/\w/) })
  })

  it.each(['http://127.0.0.1:99999/metrics', 'http://:1/metrics', 'http://[::1/metrics'])(
    'says that nothing can be asked at %s',
    async (url) => {
      expect(await ask(url)).toEqual({ kind: 'failed', why: `"${url}" is no URL` })
    },
  )

  it('reads over IPv6 as well', async () => {
    const server = createServer((_, response) => response.end(page))
    server.listen(0, '::1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      expect(await ask(`http://[::1]:${port}/metrics`)).toMatchObject({ tmId })
    } finally {
      server.close()
    }
  })

  it('says when a connection is refused', async () => {
    const gone = await peer(() => undefined)
    await gone[Symbol.asyncDispose]()

    expect(await ask(gone.url)).toMatchObject({ kind: 'refused' })
  })

  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', (socket) => void socket.resume()],
    ['drips its head', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX-A: ')],
    ['drips its page', (socket) => drip(socket, endless)],
    ['never ends its page', (socket) => void socket.resume().write(`${endless}${page}`)],
  ])('is over in time when the other end %s', async (_, onSocket) => {
    await using reporter = await peer(onSocket)
    const from = performance.now()

    expect(await ask(reporter.url, { deadlineMs: 200 })).toEqual({
      kind: 'timeout',
      why: 'no complete answer within 200 ms',
    })
    expect(performance.now() - from).toBeLessThan(2_000)
    await eventually(() => reporter.open()).toBe(0)
  })

  it('stops at once when it is told to', async () => {
    await using reporter = await peer((socket) => void socket.resume())
    const stop = new AbortController()
    const reading = ask(reporter.url, {}, stop.signal)
    await eventually(() => reporter.open()).toBe(1)

    stop.abort()

    expect(await reading).toMatchObject({ kind: 'failed', why: 'we stopped asking' })
    expect(await ask(reporter.url, {}, stop.signal)).toMatchObject({ why: 'we stopped asking' })
    await eventually(() => reporter.open()).toBe(0)
  })

  const longLine = Buffer.concat([Buffer.from('flink_taskmanager_job_task_operator_x{a="'), Buffer.alloc(100e6, 'y')])

  it.each<[string, Buffer | string]>([
    ['a line that never ends', Buffer.alloc(1e6, 'flink_taskmanager_job_task_')],
    ['one line again and again', Buffer.from('# HELP x y\n'.repeat(10_000))],
    ['zeroes', Buffer.alloc(1e6)],
    ['partitions without end', 'partitions'],
  ])('takes of %s no more than is allowed', async (_, what) => {
    const before = process.memoryUsage()
    let partition = 0
    const more = (): Buffer => {
      if (typeof what !== 'string') return what
      const line =
        page
          .toString()
          .split('\n')
          .find((one) => one.includes('currentOffset{')) ?? ''
      const lines = Array.from({ length: 500 }, () => line.replace(/partition="\d+"/, `partition="${partition++}"`))
      return Buffer.from(`${lines.join('\n')}\n`)
    }
    await using reporter = await peer(async (socket) => {
      await once(socket, 'data')
      socket.write(endless)
      await pour(socket, more)
    })

    const read = await ask(reporter.url, { mostBytes: 30e6, parse: { mostReadings: 5_000 }, deadlineMs: 15_000 })

    expect(read).toMatchObject({ kind: 'too_large' })
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(250e6)
  })

  it('opens a bomb only as far as is allowed', async () => {
    const bomb = gzipSync(longLine, { level: 9 })
    expect(bomb.length).toBeLessThan(200_000)
    await using reporter = await httpPeer((_, response) => {
      response.setHeader('Content-Encoding', 'gzip')
      response.end(bomb)
    })

    expect(await ask(reporter.url)).toEqual({ kind: 'too_large', why: 'its page is longer than 4000000 bytes' })
  })
})

function drip(socket: Socket, beginning: string): void {
  socket.resume()
  socket.write(beginning)
  const timer = setInterval(() => socket.write('#'), 20)
  socket.once('close', () => clearInterval(timer))
}
