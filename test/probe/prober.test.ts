import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createTcp, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it } from 'vitest'
import type { Registration } from '../../src/model/registration.ts'
import { createProber, type ProberOptions } from '../../src/probe/prober.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { createAddressGuard } from '../../src/targets/address-guard.ts'
import { registration } from '../targets/samples.ts'

const signal = AbortSignal.timeout(60_000)
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** A server that counts who comes. */
async function listen(server: Server): Promise<{ readonly address: string; connections: number }> {
  const open = new Set<Socket>()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const place = server.address()
  const listening = { address: `127.0.0.1:${typeof place === 'object' ? place?.port : ''}`, connections: 0 }
  server.on('connection', (socket) => {
    listening.connections++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => undefined)
  })
  closers.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of open) socket.destroy()
    await closed
  })
  return listening
}

const http = (listener: RequestListener) => listen(createHttp(listener))
const tcp = (onConnection: (socket: Socket) => void) => listen(createTcp(onConnection))
const page = (body: string | Buffer, headers: Record<string, string> = {}, status = 200) =>
  http((_, response) => response.writeHead(status, headers).end(body))

const here = createAddressGuard([])
function ask(where: Partial<Registration>, known?: string, options: ProberOptions = {}) {
  const prober = createProber(options, { clock: systemClock, guard: (ip) => here(ip, { isLoopback: true }) })
  return prober.probe(registration(where), known, signal)
}

const flink = 'flink_x{tm_id="tm-1",} 1\n'

it('tells the process that was learnt from another one', async () => {
  const { address } = await page(flink)

  expect(await ask({ address })).toMatchObject({ verdict: 'unverified', identity: 'tm_id=tm-1' })
  expect(await ask({ address }, 'tm_id=tm-1')).toMatchObject({ verdict: 'same' })
  expect(await ask({ address }, 'tm_id=tm-0')).toMatchObject({ verdict: 'other' })
})

it('reads a page that is sent with gzip', async () => {
  const { address } = await page(gzipSync(`${'x 1\n'.repeat(100_000)}process_start_time_seconds 12\n`), {
    'Content-Encoding': 'gzip',
  })

  expect(await ask({ address }, 'start=12')).toMatchObject({ verdict: 'same' })
})

it('asks as Prometheus does: path, parameters, the name as host', async () => {
  const asked: string[] = []
  const { address } = await http((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`)
    response.end(flink)
  })

  await ask({ address, host: 'worker-7.internal', metricsPath: '/stats/prometheus ü', params: { module: 'a b' } })

  const port = address.split(':')[1]
  expect(asked).toEqual([`GET /stats/prometheus%20%C3%BC?module=a+b worker-7.internal:${port}`])
})

it.each([
  [404, 'gone'],
  [410, 'gone'],
  [301, 'unverified'],
  [401, 'unverified'],
  [403, 'unverified'],
  [429, 'unknown'],
  [500, 'unknown'],
  [503, 'unknown'],
])('of an answer of %i the verdict is %s', async (status, verdict) => {
  const { address } = await page('', {}, status)

  expect(await ask({ address }, 'tm_id=tm-1')).toMatchObject({ verdict })
})

it.each([301, 302, 307, 308])('follows no redirect, such as a %i', async (status) => {
  const forbidden = await page(flink)
  const { address } = await page('', { Location: `http://${forbidden.address}/metrics` }, status)

  expect(await ask({ address }, 'tm_id=tm-1')).toMatchObject({ verdict: 'unverified' })
  expect(forbidden.connections).toBe(0)
})

it('connects to no address that the guard refuses, and resolves no name', async () => {
  const listening = await page(flink)
  const { address } = listening
  const prober = createProber({}, { clock: systemClock, guard: (ip) => `${ip} is not for us` })

  expect(await prober.probe(registration({ address }), undefined, signal)).toEqual({
    verdict: 'unknown',
    why: 'it may not be asked: 127.0.0.1 is not for us',
  })
  expect(await ask({ address: address.replace('127.0.0.1', 'localhost') })).toMatchObject({ verdict: 'unknown' })
  expect(await ask({ address: '169.254.169.254:80' })).toMatchObject({ verdict: 'unknown' })
  expect(listening.connections).toBe(0)
})

it('asks nobody in a network that we are not in', async () => {
  const listening = await page(flink)

  expect(await ask({ address: listening.address, zone: 'dc-2' })).toEqual({
    verdict: 'unknown',
    why: 'we are not in its zone "dc-2"',
  })
  expect(listening.connections).toBe(0)
  expect(await ask({ address: listening.address, zone: 'dc-2' }, undefined, { zones: ['dc-2'] })).toMatchObject({
    verdict: 'unverified',
  })
})

it('takes a closed port and a hang-up without a word for gone', async () => {
  const closed = await page(flink)
  const hangUp = await tcp((socket) => socket.resetAndDestroy())
  await closers.shift()?.()

  expect(await ask({ address: closed.address }, 'tm_id=tm-1')).toMatchObject({ verdict: 'gone' })
  expect(await ask({ address: hangUp.address }, 'tm_id=tm-1')).toMatchObject({ verdict: 'gone' })
})

it('takes whoever speaks another protocol for somebody it cannot know', async () => {
  const { address } = await tcp((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'))

  expect(await ask({ address }, 'tm_id=tm-1')).toMatchObject({ verdict: 'unverified' })
})

it('takes http where https was registered for somebody it cannot know', async () => {
  const { address } = await page(flink)

  expect(await ask({ address, scheme: 'https' }, 'tm_id=tm-1')).toMatchObject({ verdict: 'unverified' })
})

it('waits no longer than its deadline for a silent or a slow one', async () => {
  const silent = await tcp(() => undefined)
  const slow = await http((_, response) => {
    const timer = setInterval(() => response.write('x 1\n'), 5)
    response.on('close', () => clearInterval(timer))
  })

  expect(await ask({ address: silent.address }, undefined, { deadlineMs: 50 })).toEqual({
    verdict: 'unknown',
    why: 'no complete answer within 50 ms',
  })
  expect(await ask({ address: slow.address }, undefined, { deadlineMs: 50 })).toMatchObject({ verdict: 'unknown' })
})

it('reads no more than its cap of an endless page, compressed or not', async () => {
  let sent = 0
  const endless = await http((_, response) => {
    const more = (): void => {
      do sent += 65_536
      while (response.write(Buffer.alloc(65_536, 'x 1\n')))
    }
    response.on('drain', more)
    more()
  })
  const bomb = await page(gzipSync(`${'x 1\n'.repeat(2_000_000)}process_start_time_seconds 1\n`), {
    'Content-Encoding': 'gzip',
  })

  expect(await ask({ address: endless.address }, 'tm_id=tm-1', { mostBytes: 1_000_000 })).toMatchObject({
    verdict: 'unverified',
  })
  expect(await ask({ address: bomb.address }, 'start=1', { mostBytes: 1_000_000 })).toMatchObject({
    verdict: 'unverified',
  })
  expect(await ask({ address: bomb.address }, 'start=1', { mostBytes: 9_000_000 })).toMatchObject({ verdict: 'same' })
  expect(sent).toBeLessThan(50_000_000)
})

it('says that it does not know of a page that breaks off', async () => {
  const { address } = await http((_, response) => {
    response.writeHead(200, { 'Content-Length': '1000' })
    response.write('process_start_time_seconds 1\n', () => response.destroy())
  })

  expect(await ask({ address }, 'start=1')).toMatchObject({ verdict: 'unknown' })
})

it('says that it does not know of gzip that is none', async () => {
  const { address } = await page('not gzip', { 'Content-Encoding': 'gzip' })

  expect(await ask({ address }, 'start=1')).toMatchObject({ verdict: 'unknown' })
})

it('stops when it is told to, and leaves no connection open', async () => {
  const closed: Promise<void>[] = []
  const { address } = await tcp((socket) => {
    closed.push(new Promise((resolve) => socket.resume().on('close', resolve)))
  })
  const stop = new AbortController()
  const prober = createProber({}, { clock: systemClock, guard: () => undefined })
  const asked = prober.probe(registration({ address }), undefined, stop.signal)
  await expect.poll(() => closed).toHaveLength(1)

  stop.abort()

  expect(await asked).toEqual({ verdict: 'unknown', why: 'we stopped asking' })
  await closed[0]
})

it('has no more connections open than may', async () => {
  const waiting: (() => void)[] = []
  let most = 0
  // Nobody is answered before as many are there as may be.
  const { address } = await http((_, response) => {
    waiting.push(() => response.end(flink))
    most = Math.max(most, waiting.length)
    if (waiting.length === 3) for (const answer of waiting.splice(0)) answer()
  })
  const prober = createProber({ mostAtOnce: 3, mostPerSecond: 1e6 }, { clock: systemClock, guard: () => undefined })

  await Promise.all(Array.from({ length: 39 }, () => prober.probe(registration({ address }), undefined, signal)))

  expect(most).toBe(3)
})
