import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls'
import type { Clock } from '../runtime/clock.ts'
import { type RetryPolicy, retryDelay } from '../runtime/retry.ts'
import type { ServerAddress } from './connect-string.ts'
import type { Addresses } from './hosts.ts'
import { named } from './server-name.ts'

export interface SearchOptions {
  readonly servers: readonly ServerAddress[]
  readonly tls: TlsOptions | undefined
  readonly clock: Clock
  readonly addresses: Pick<Addresses, 'pick'>
  readonly random: () => number
}

const pauses: RetryPolicy = { firstMs: 200, factor: 2, maxMs: 10_000, jitter: 0.3 }
const answerMs = 1_000
const longestAnswer = 16

/**
 * Looks for a server that takes writes, as long as it takes; undefined when the signal aborts first. Only asks, by the
 * four-letter word `isro`: a handshake would cost the server that we read from the session.
 */
export async function findWritable(options: SearchOptions, signal: AbortSignal): Promise<ServerAddress | undefined> {
  for (let round = 1; !signal.aborted; round++) {
    await options.clock.sleep(retryDelay(pauses, round, options.random()), signal)
    for (const server of options.servers)
      if (!signal.aborted && (await takesWrites(server, options, signal))) return server
  }
  return undefined
}

/** False as well when it does not answer. */
async function takesWrites(server: ServerAddress, options: SearchOptions, signal: AbortSignal): Promise<boolean> {
  const { tls, clock, addresses } = options
  const over = new AbortController()
  const stop = (): void => over.abort()
  signal.addEventListener('abort', stop, { once: true })
  void clock.sleep(answerMs, over.signal).then(stop)
  try {
    const host = await addresses.pick(server.host)
    return (await ask(host, server, tls, over.signal)) === 'rw'
  } catch {
    return false
  } finally {
    signal.removeEventListener('abort', stop)
    over.abort()
  }
}

function ask(
  host: string,
  server: ServerAddress,
  tls: TlsOptions | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((settle) => {
    if (signal.aborted) return settle(undefined)
    const { port } = server
    const socket =
      tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...named(tls, server.host) })
    let answer = ''
    const end = (): void => {
      signal.removeEventListener('abort', end)
      socket.destroy()
      settle(answer)
    }
    signal.addEventListener('abort', end, { once: true })
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      answer += text
      if (answer.length > longestAnswer) end()
    })
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => socket.write('isro'))
    socket.once('error', end)
    socket.once('close', end)
  })
}
