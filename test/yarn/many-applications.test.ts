import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createYarnCluster } from '../../src/yarn/yarn-cluster.ts'
import { listenOnLoopback } from '../fakes/listen.ts'
import { info, infoPath } from './fake-manager.ts'
import { readScene } from './replay.ts'

const signal = new AbortController().signal
/** Nothing may block the event loop for longer. */
const LONGEST_MS = 50

/** A list as 3.3.6 writes it, of this many applications. */
function listOf(count: number): Buffer {
  const captured = readScene('3.3.6-01-one-application').find(({ url }) => url.endsWith('/cluster/apps'))?.body ?? ''
  const [, one = ''] = /^\{"apps":\{"app":\[(.*)\]\}\}$/s.exec(captured) ?? []
  const all = Array.from({ length: count }, (_, index) => one.replaceAll('7854_0001', `7854_${index + 1_000_000}`))
  return Buffer.from(`{"apps":{"app":[${all.join(',')}]}}`)
}

async function serve(body: Buffer, headers: Readonly<Record<string, string>> = {}) {
  const server = createServer((request, response) => {
    const isInfo = request.url?.startsWith(infoPath) ?? false
    response.writeHead(200, { 'content-type': 'application/json;charset=utf-8', ...(isInfo ? {} : headers) })
    response.end(isInfo ? info('ACTIVE').body : body)
  })
  const { url, close } = await listenOnLoopback(server)
  const cluster = createYarnCluster(
    { name: 'etl', resourceManagers: [url], timeoutMs: 60_000 },
    { logger: silentLogger },
  )
  return {
    cluster,
    [Symbol.asyncDispose]: async () => {
      cluster.close()
      await close()
    },
  }
}

/** The most CPU that was used between two turns of the event loop: others on the same cores do not count. */
function watchSteps(): { stop(): number } {
  let isOver = false
  let longest = 0
  let before = process.cpuUsage()
  const step = (): void => {
    const { user, system } = process.cpuUsage(before)
    longest = Math.max(longest, (user + system) / 1000)
    before = process.cpuUsage()
    if (!isOver) setImmediate(step)
  }
  setImmediate(step)
  return {
    stop: () => {
      isOver = true
      return longest
    },
  }
}

/**
 * The longest step of some work. What blocks does so each time and a collection of garbage does not, so that the work is
 * done up to three times until no step of it was too long.
 */
async function longestStepOf(work: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let time = 0; time < 3 && least >= LONGEST_MS; time++) {
    const steps = watchSteps()
    await work()
    least = Math.min(least, steps.stop())
  }
  return least
}

it.each([
  ['as they are', (body: Buffer) => body, {}],
  ['compressed', (body: Buffer) => gzipSync(body), { 'content-encoding': 'gzip' }],
])('10,000 applications, %s, are read without a block of 50 ms', async (_, encode, headers) => {
  const plain = listOf(10_000)
  expect(plain.length).toBeGreaterThan(35e6)
  await using running = await serve(encode(plain), headers)
  const longestMs = await longestStepOf(async () => {
    const list = await running.cluster.applications({ states: ['RUNNING'] }, signal)
    expect(list).toHaveLength(10_000)
    expect(new Set(list.map(({ id }) => id)).size).toBe(10_000)
    expect(list.every(({ amRpcAddress }) => amRpcAddress === 'localhost:45235')).toBe(true)
  })
  expect(longestMs).toBeLessThan(LONGEST_MS)
})

it.each([
  ['as it is', (body: Buffer) => body, {}],
  ['compressed', (body: Buffer) => gzipSync(body), { 'content-encoding': 'gzip' }],
])('a list without end, %s, is left at 64 MiB', async (_, encode, headers) => {
  await using running = await serve(encode(Buffer.alloc(80 * 1024 * 1024, ' ')), headers)
  await expect(running.cluster.applications({}, signal)).rejects.toThrow('more than 67108864 bytes')
})

it('a list of elements that are none is left after a thousand of them, without a block of 50 ms', async () => {
  await using running = await serve(Buffer.from(`{"apps":{"app":[{}${',{"id":1}'.repeat(500_000)}]}}`))
  const longestMs = await longestStepOf(() =>
    expect(running.cluster.applications({}, signal)).rejects.toThrow('more than 1000 elements of "app" cannot be read'),
  )
  expect(longestMs).toBeLessThan(LONGEST_MS)
})
