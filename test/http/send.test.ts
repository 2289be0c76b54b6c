import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { send } from '../../src/http/send.ts'

/** A reader that takes everything at once. */
function eagerReader(): ServerResponse {
  const socket = new Socket()
  socket._write = (_chunk, _encoding, taken) => taken()
  socket._writev = (_chunks, taken) => taken()
  const outgoing = new ServerResponse(new IncomingMessage(socket))
  outgoing.assignSocket(socket)
  // As the server does.
  socket.on('drain', () => outgoing.emit('drain'))
  return outgoing
}

it('send() lets others run although its reader takes everything at once', async () => {
  let turns = 0
  let isSent = false
  const count = (): void => {
    turns++
    if (!isSent) setImmediate(count)
  }
  setImmediate(count)
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let chunk = 0; chunk < 100; chunk++) {
      // As long as a big page takes.
      for (const until = performance.now() + 1; performance.now() < until; );
      yield Buffer.alloc(64 * 1024)
    }
  }

  await send(
    eagerReader(),
    { status: 200, headers: {}, body: body() },
    { stalledReaderMs: 10_000, answerMs: 60_000 },
    () => undefined,
  )
  isSent = true

  expect(turns).toBeGreaterThan(4)
})
