import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { healthRoutes } from '../../src/http/health.ts'
import { metricsRoutes } from '../../src/http/metrics.ts'
import { createPage } from '../../src/http/page.ts'
import { type Route, text } from '../../src/http/route.ts'
import { rawConnection, readToClose, startServer } from '../fakes/http-server.ts'
import { syntheticSnapshot } from '../fakes/synthetic-snapshot.ts'

const health = healthRoutes(() => ({ ready: true, waitingFor: [] }))
const ASK_METRICS = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'

/** An endless page of which nothing exists before it is asked for. */
function endless(): Route {
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(100_000, 'x')
  }
  return { method: 'GET', path: '/endless', handle: () => ({ status: 200, headers: {}, body: body() }) }
}

async function healthMs(url: string): Promise<number> {
  const start = performance.now()
  const response = await fetch(`${url}/-/healthy`, { headers: { Connection: 'close' } })
  expect(await response.text()).toBe('ok\n')
  return performance.now() - start
}

async function connections(count: number, open: () => Promise<Socket>): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, open))
}

describe('many and slow clients', () => {
  it('answers health while 256 connections are idle, by closing the oldest one', async () => {
    await using server = await startServer(health)
    const idle = await connections(256, () => rawConnection(server.port))
    const closed = Promise.race(idle.map((socket) => once(socket, 'close')))

    await healthMs(server.url)

    await closed
    expect(idle.filter((socket) => socket.closed)).toHaveLength(1)
    for (const socket of idle) socket.destroy()
  })

  it('answers health while 400 clients send their head byte by byte', async () => {
    await using server = await startServer(health, { connections: 64 })
    const half = await connections(400, () => rawConnection(server.port, 'GET /x HTTP/1.1\r\nHost'))

    const times = [await healthMs(server.url), await healthMs(server.url)]

    expect(Math.min(...times)).toBeLessThan(500)
    for (const socket of half) socket.destroy()
  })

  it('answers health while every connection has a reader that takes nothing', async () => {
    await using server = await startServer([...health, endless()], { connections: 16 })
    const slow = await connections(16, async () => {
      const socket = await rawConnection(server.port, 'GET /endless HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'readable')
      return socket
    })
    await pause(100)

    await healthMs(server.url)

    for (const socket of slow) socket.destroy()
  })

  it('begins one piece of all long answers in a turn of the event loop, so that others have theirs', async () => {
    let turn = 0
    let isOver = false
    const count = (): void => {
      turn++
      if (!isOver) setImmediate(count)
    }
    const begun = new Map<number, number>()
    const long: Route = {
      method: 'GET',
      path: '/long',
      handle: () => ({
        status: 200,
        headers: {},
        body: (async function* () {
          for (let piece = 0; piece < 20; piece++) {
            begun.set(turn, (begun.get(turn) ?? 0) + 1)
            yield Buffer.alloc(64 * 1024, 'x')
          }
        })(),
      }),
    }
    await using server = await startServer([long])
    count()

    await Promise.all(Array.from({ length: 20 }, () => fetch(`${server.url}/long`).then((answer) => answer.text())))
    isOver = true

    expect([...begun.values()].reduce((sum, pieces) => sum + pieces, 0)).toBe(400)
    expect(Math.max(...begun.values())).toBeLessThanOrEqual(2)
  })

  it('cuts a head that does not come, and a reader that takes nothing', async () => {
    await using server = await startServer([endless()], { headerMs: 200, stalledReaderMs: 200 })
    const head = await rawConnection(server.port, 'GET /x HTT')
    const reader = await rawConnection(server.port, 'GET /endless HTTP/1.1\r\nHost: x\r\n\r\n')
    reader.pause()
    const start = performance.now()

    const answer = await readToClose(head)
    await pause(600 - (performance.now() - start))
    reader.resume()
    await once(reader, 'close')

    expect(answer).toContain('408')
  })

  it('cuts a reader that is slow for too long as a whole', async () => {
    await using server = await startServer([endless()], { answerMs: 300 })
    const reader = await rawConnection(server.port, 'GET /endless HTTP/1.1\r\nHost: x\r\n\r\n')
    reader.on('data', () => {
      reader.pause()
      setTimeout(() => reader.resume(), 20)
    })

    await once(reader, 'close')
  })

  it('answers requests that come ahead of their answers in order, and cuts a flood of them', async () => {
    let serving = 0
    const number: Route = {
      method: 'GET',
      path: '/number/:n',
      handle: async ({ params }) => {
        serving++
        await pause(1)
        const alone = serving-- === 1
        return text(200, `${params['n']}${alone ? '' : ' with others'};`)
      },
    }
    await using server = await startServer([number])
    const ask = (n: number): string => `GET /number/${n} HTTP/1.1\r\nHost: x\r\n\r\n`

    const few = await rawConnection(
      server.port,
      `${ask(1)}${ask(2)}${ask(3).replace('Host: x', 'Host: x\r\nConnection: close')}`,
    )
    const flood = await rawConnection(server.port, Array.from({ length: 5000 }, (_, n) => ask(n)).join(''))

    expect((await readToClose(few)).match(/\d;/g)).toEqual(['1;', '2;', '3;'])
    expect((await readToClose(flood)).match(/;/g)?.length ?? 0).toBeLessThan(200)
  })

  it('serves others and takes little memory while 20 clients do not read a large page', async () => {
    const snapshot = syntheticSnapshot({ consumers: 1000, topicsPerConsumer: 10, partitions: 20 })
    const selfMetrics = async (): Promise<string> => ''
    const page = createPage({ selfMetrics, families: new Set(['stream_consumer_records_lag']) })
    const clusters = { names: () => [], snapshots: () => [snapshot] }
    await using server = await startServer([...health, ...metricsRoutes({ clusters, page, selfMetrics })])
    await fetch(`${server.url}/metrics`).then((response) => response.arrayBuffer())
    const before = process.memoryUsage()

    const slow = await connections(20, () => rawConnection(server.port, ASK_METRICS))
    await pause(500)
    const health1 = await healthMs(server.url)
    const read = await fetch(`${server.url}/metrics`, { headers: { 'Accept-Encoding': 'gzip' } })
    const size = (await read.arrayBuffer()).byteLength

    const after = process.memoryUsage()
    expect(size).toBeGreaterThan(25_000_000)
    expect(health1).toBeLessThan(500)
    // The client above has the page whole in this same process: that is not the server's memory.
    expect(after.rss - before.rss - 2 * size).toBeLessThan(100_000_000)
    for (const socket of slow) socket.destroy()
  })
})

describe('shutdown', () => {
  it('closes idle connections at once and lets a request under way finish', async () => {
    let asked = (): void => undefined
    const started = new Promise<void>((resolve) => {
      asked = resolve
    })
    const slow: Route = {
      method: 'GET',
      path: '/slow',
      handle: async () => {
        asked()
        await pause(200)
        return text(200, 'done')
      },
    }
    await using server = await startServer([slow])
    const idle = await rawConnection(server.port)
    const answer = fetch(`${server.url}/slow`)
    await started

    server.stop()

    await once(idle, 'close')
    const response = await answer
    expect([await response.text(), response.headers.get('connection')]).toEqual(['done', 'close'])
    await server.done
    await expect(fetch(server.url)).rejects.toThrow()
  })

  it('cuts what is not done within the time, so that its reader sees it', async () => {
    await using server = await startServer([endless()], { shutdownMs: 200 })
    const response = await fetch(`${server.url}/endless`)

    const start = performance.now()
    server.stop()

    await expect(response.arrayBuffer()).rejects.toThrow()
    await server.done
    expect(performance.now() - start).toBeLessThan(2000)
  })
})
