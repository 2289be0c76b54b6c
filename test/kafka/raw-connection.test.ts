import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { type Exchange, openRaw } from '../../src/kafka/raw-connection.ts'
import { apis } from '../../src/kafka-wire/apis.ts'
import { systemClock } from '../../src/runtime/clock.ts'

const { signal } = new AbortController()
/** Its answer is the throttle time alone. */
const exchange: Exchange<{ readonly throttleMs: number }> = {
  api: apis.Metadata,
  encode: () => Buffer.alloc(0),
  decode: (_, body) => ({ throttleMs: body.readInt32BE(0) }),
}

/** Answers whatever is asked in turn, two at a time. */
async function brokerThrottling(...times: readonly number[]) {
  const server = createServer((socket) => {
    const asked: number[] = []
    socket.on('data', (data) => {
      for (let at = 0; at < data.length; at += 4 + data.readInt32BE(at)) asked.push(data.readInt32BE(at + 8))
      if (asked.length < times.length) return
      for (const [index, correlation] of asked.entries()) {
        const frame = Buffer.alloc(12)
        frame.writeInt32BE(8, 0)
        frame.writeInt32BE(correlation, 4)
        frame.writeInt32BE(times[index] ?? 0, 8)
        socket.write(frame)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

it('waits as long as one of two answers asks for, whichever comes last', async () => {
  const server = await brokerThrottling(30_000, 0)
  const { port } = server.address() as AddressInfo
  const slept: number[] = []
  const clock = {
    ...systemClock,
    sleep: async (ms: number) => {
      slept.push(ms)
    },
  }
  const limits = { connectTimeoutMs: 2_000, maxFrameBytes: 1_000 }
  const counters = { onRequest: () => undefined, onDecodeError: () => undefined }
  const connection = await openRaw('broker', { host: '127.0.0.1', port }, { ...limits, ...counters, clock }, signal)
  const send = () => connection.send(exchange, 0, 2_000, signal)

  const both = await Promise.all([send(), send()])
  void send().catch(() => undefined)

  expect(both.map(({ value }) => value.throttleMs)).toEqual([30_000, 0])
  expect(slept.at(-1)).toBeGreaterThan(25_000)
  connection.close(new Error('over'))
  server.close()
})
