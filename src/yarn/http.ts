import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Readable } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import axios from 'axios'
import { breather } from '../runtime/breathe.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { UnavailableError } from '../runtime/errors.ts'
import type { Credentials } from './credentials.ts'

/** An answer of which the head has arrived. */
export interface Answer {
  readonly status: number
  /** In lower case, without parameters; empty when there is none. */
  readonly mediaType: string
  /** Where it points to, of a redirect. */
  readonly location: string | undefined
  /**
   * The body in pieces, decompressed; lets others run in between.
   *
   * @throws UnavailableError past `mostBytes`, or when it is cut off
   */
  pieces(mostBytes: number): AsyncGenerator<Buffer>
}

export interface Http {
  /**
   * One GET; redirects are answers. After a refusal of credentials that were used before it asks again with new ones.
   *
   * @param request.signal for all of it; the deadline is for each answer, until it has been read
   * @param read what it throws is thrown
   * @throws UnavailableError when there is no answer in time, and on 401 and 403
   */
  get<T>(
    url: URL,
    request: { readonly accept: string; readonly signal: AbortSignal },
    read: (answer: Answer) => Promise<T>,
  ): Promise<T>
  close(): void
}

/** Idle connections of one server that are kept; a look asks for many applications at once. */
const MOST_IDLE = 4
const MOST_SOCKETS = 32

/** Others may have shown the same at the same time, and have been the ones it was good for. */
const MOST_REFUSALS = 3

export function createHttp(options: {
  readonly timeoutMs: number
  readonly credentials: Credentials
  readonly tls: ConnectionOptions
}): Http {
  const { timeoutMs, credentials, tls } = options
  const pool = { keepAlive: true, maxSockets: MOST_SOCKETS, maxFreeSockets: MOST_IDLE }
  const httpAgent = new HttpAgent(pool)
  const httpsAgent = new HttpsAgent({ ...pool, ...tls })

  async function once<T>(
    url: URL,
    accept: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    read: (answer: Answer) => Promise<T>,
  ): Promise<T> {
    const body = await open(url, accept, headers, signal)
    const stop = (): void => void body.data.destroy()
    signal.addEventListener('abort', stop, { once: true })
    // Whoever reads it hears of it; when nobody does any more, nobody need.
    body.data.on('error', () => undefined)
    try {
      credentials.answered(url.origin, body.setCookie)
      return await read(body.answer)
    } finally {
      signal.removeEventListener('abort', stop)
      body.data.destroy()
    }
  }

  async function open(url: URL, accept: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
    try {
      const response = await axios.get<Readable>(url.href, {
        headers: { ...headers, accept, 'accept-encoding': 'identity' },
        responseType: 'stream',
        maxRedirects: 0,
        validateStatus: () => true,
        proxy: false,
        httpAgent,
        httpsAgent,
        signal,
      })
      const { status, data } = response
      const said = (name: string): string => String(response.headers[name] ?? '')
      const cookies: unknown = response.headers['set-cookie']
      const answer: Answer = {
        status,
        mediaType: (said('content-type').split(';')[0] ?? '').trim().toLowerCase(),
        location: said('location') || undefined,
        pieces: (mostBytes) => pieces(data, mostBytes),
      }
      return { data, answer, setCookie: Array.isArray(cookies) ? cookies.map(String) : [] }
    } catch (error) {
      signal.throwIfAborted()
      // Axios' own error holds the headers of the request.
      const cause = axios.isAxiosError(error) ? (error.cause ?? new Error(error.message)) : error
      throw new UnavailableError('no answer', { cause })
    }
  }

  return {
    get: async (url, { accept, signal }, read) => {
      for (let again = MOST_REFUSALS; ; again--) {
        const { headers, used, refused } = await credentials.show(url.origin, signal)
        const outcome = await withDeadline(`GET ${url.pathname}`, timeoutMs, signal, (both) =>
          once(url, accept, headers, both, async (answer) =>
            answer.status === 401 || answer.status === 403
              ? { refusedWith: answer.status }
              : { value: await read(answer) },
          ),
        )
        if ('value' in outcome) return outcome.value
        refused()
        if (used && again > 1) continue
        const why = `HTTP ${outcome.refusedWith}: it does not take who we say we are`
        throw new UnavailableError(why, { denied: true })
      }
    },
    close: () => {
      httpAgent.destroy()
      httpsAgent.destroy()
    },
  }
}

async function* pieces(body: Readable, mostBytes: number): AsyncGenerator<Buffer> {
  const breathe = breather()
  let bytes = 0
  try {
    for await (const piece of body) {
      const buffer: Buffer = Buffer.isBuffer(piece) ? piece : Buffer.from(String(piece))
      bytes += buffer.length
      if (bytes > mostBytes) throw new UnavailableError(`more than ${mostBytes} bytes`)
      yield buffer
      await breathe()
    }
  } catch (error) {
    throw error instanceof UnavailableError ? error : new UnavailableError('the answer was cut off', { cause: error })
  }
}
