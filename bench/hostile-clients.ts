import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

// The child process of bench/hostile.ts: clients that mean no good. Arguments: port, how many that send a head byte by
// byte, how many that hardly read a page. One that is closed comes again five seconds later; it ends with its parent.

const [port = 0, heads = 0, readers = 0] = process.argv.slice(2).map(Number)
const comeAgainMs = 5_000
const counts = { headsClosed: 0, readersClosed: 0, bytesRead: 0 }

/** Sends its head for ever, a byte a second. */
function slowHead(): void {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: ')
  const timer = setInterval(() => socket.write('a'), 1_000)
  socket.once('close', () => {
    clearInterval(timer)
    counts.headsClosed++
    setTimeout(slowHead, comeAgainMs)
  })
}

/** Asks for the page as text and takes a little of it each second. */
function slowReader(): void {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
  socket.pause()
  const timer = setInterval(() => {
    counts.bytesRead += socket.read(Math.min(16_384, socket.readableLength))?.length ?? 0
  }, 1_000)
  socket.once('close', () => {
    clearInterval(timer)
    counts.readersClosed++
    setTimeout(slowReader, comeAgainMs)
  })
}

process.on('disconnect', () => process.exit())
process.on('message', () => process.send?.(counts))
for (let index = 0; index < readers; index++) slowReader()
for (let index = 0; index < heads; index++) {
  slowHead()
  // Not all in one go: a full queue of connections is a matter for the kernel.
  if (index % 100 === 99) await pause(50)
}
process.send?.(counts)
