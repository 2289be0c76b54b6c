import { once } from 'node:events'
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** One question to a peer, and what may be done about it. */
interface Exchange {
  /** Such as `/jobs/overview`. */
  readonly target: string
  readonly response: ServerResponse
  /** Hands on what the true peer says, or another one at this port, perhaps with another body and more headers. */
  pass(change?: Change, more?: PassOptions): Promise<void>
}

export type Change = (body: string) => string | Buffer

interface PassOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly port?: number | undefined
}

/** What is done in the place of an answer; what it returns is awaited. */
export type Attack = (exchange: Exchange) => Promise<void> | void

/** A door before a true peer: everything passes, until an attack stands in it. */
export interface HostileGate extends AsyncDisposable {
  readonly port: number
  /** Questions whose target matches get the attack from now on, on new connections; undefined: all pass. */
  attack(attack: Attack | undefined, which?: RegExp): void
  /** How many questions were attacked. */
  attacked(): number
}

/**
 * @param upstream port of the true peer on loopback, asked at each question
 * @param usual done to every body that passes
 */
export async function hostileGate(
  upstream: () => number | undefined,
  usual: (body: string) => string = (body) => body,
): Promise<HostileGate> {
  let under: { readonly attack: Attack; readonly which: RegExp } | undefined
  let attacked = 0

  const answer = async (question: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url: target = '/' } = question
    const pass = (
      change: Change = (body) => body,
      { headers = {}, port = upstream() }: PassOptions = {},
    ): Promise<void> => handOn(port, target, response, (body) => change(usual(body)), headers)
    if (under === undefined || !under.which.test(target)) return pass()
    attacked++
    await under.attack({ target, response, pass })
  }
  const server = createServer((question, response) => {
    response.on('error', () => undefined)
    // Whoever hangs up in the middle of an attack has done what he should.
    answer(question, response).catch(() => response.destroy())
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Listen: it has no port')
  return {
    port: address.port,
    attack: (attack, which = /^/) => {
      under = attack === undefined ? undefined : { attack, which }
      server.closeAllConnections()
    },
    attacked: () => attacked,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function handOn(
  port: number | undefined,
  path: string,
  response: ServerResponse,
  change: Change,
  more: Readonly<Record<string, string>>,
): Promise<void> {
  const asked = request({ host: '127.0.0.1', port: port ?? 1, path, agent: false, timeout: 5_000 })
  const answer = await answerTo(asked).catch(() => undefined)
  // As when nothing listens there.
  if (answer === undefined) return void response.destroy()
  const body = change((await buffer(answer)).toString())
  const { 'content-type': type, location } = answer.headers
  response.writeHead(answer.statusCode ?? 500, {
    ...(type === undefined ? {} : { 'Content-Type': type }),
    ...(location === undefined ? {} : { Location: location }),
    'Content-Length': Buffer.byteLength(body),
    ...more,
  })
  response.end(body)
}

function answerTo(asked: ClientRequest): Promise<IncomingMessage> {
  asked.end()
  return new Promise((resolve, reject) => {
    asked.once('response', resolve)
    asked.once('error', reject)
  })
}
