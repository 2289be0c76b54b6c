import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import axios, { type AxiosRequestConfig, type AxiosResponse, isAxiosError } from 'axios'
import { withDeadline } from '../runtime/deadline.ts'
import { UnavailableError } from '../runtime/errors.ts'
import { parseJson } from './json-in-steps.ts'

export interface RestHttpOptions {
  /** With a path, when there is a proxy in between; `user:password@` becomes an `Authorization` header. */
  readonly url: string
  /** For each whole answer. */
  readonly timeoutMs: number
  /** Of an https address. */
  readonly tls?: ConnectionOptions
  /** What every request must carry besides, such as a token for a proxy; asked before each. */
  readonly headers?: (signal: AbortSignal) => Promise<Readonly<Record<string, string>>>
}

/** What a peer answered; `value` of a status that is no success is what it says about it, if that was JSON. */
export interface RestAnswer {
  readonly status: number
  readonly value: unknown
}

interface TextLimits {
  readonly deadlineMs: number
  /** What is beyond is not read. */
  readonly mostBytes: number
}

/** GET and nothing else, of one peer. */
export interface RestHttp {
  /** Without credentials, and without a slash at the end. */
  readonly url: string
  /**
   * @param path behind the URL, encoded already
   * @param mostBytes 8 MiB by default
   * @throws UnavailableError when there is no whole answer in time, a redirect, or a success that is no JSON
   */
  json(path: string, signal: AbortSignal, mostBytes?: number): Promise<RestAnswer>
  /**
   * Hands over a text piece by piece.
   *
   * @returns the status; nothing is handed over unless it is 200
   * @throws UnavailableError when it does not end in time; what came until then has been handed over
   */
  text(path: string, limits: TextLimits, signal: AbortSignal, onText: (piece: string) => void): Promise<number>
  /** Closes every connection. Requests under way must have been aborted. */
  close(): void
}

const mostAnswerBytes = 8 * 1024 * 1024

/**
 * The only user of axios here. Redirects are not followed, proxies of the environment not used. Encoded answers are
 * refused: we ask for none, Flink makes none, and what is not unpacked cannot be a bomb.
 */
export function createRestHttp(options: RestHttpOptions): RestHttp {
  const { timeoutMs, headers } = options
  const { url, authorization } = withoutCredentials(options.url)
  const tls = options.tls ?? {}
  const keepAlive = { keepAlive: true, maxFreeSockets: 2 }
  const agents = { http: new HttpAgent(keepAlive), https: new HttpsAgent({ ...tls, ...keepAlive }) }
  // What may hang for long has sockets of its own, and none that others will use.
  const slow = { http: new HttpAgent({ maxSockets: 2 }), https: new HttpsAgent({ ...tls, maxSockets: 2 }) }
  const client = axios.create({
    httpAgent: agents.http,
    httpsAgent: agents.https,
    responseType: 'arraybuffer',
    decompress: false,
    maxRedirects: 0,
    proxy: false,
    validateStatus: () => true,
    transformResponse: (data: unknown) => data,
  })

  const ask = async (path: string, accept: string, config: AxiosRequestConfig<unknown>, signal: AbortSignal) => {
    const more = (await headers?.(signal)) ?? {}
    const request = {
      ...config,
      signal,
      headers: {
        ...(authorization === undefined ? {} : { Authorization: authorization }),
        ...more,
        Accept: accept,
        'Accept-Encoding': 'identity',
        'User-Agent': 'lagkeeper',
      },
    }
    const get = () => client.get<unknown>(`${url}${path}`, request)
    const response = await get().catch((error: unknown) => {
      // A kept connection that was closed while our request was on its way: the next one is new.
      if (isHangUp(error) && !signal.aborted) return get()
      throw error
    })
    try {
      checkAnswer(response)
      return response
    } catch (error) {
      if (response.data instanceof Readable) response.data.destroy()
      throw error
    }
  }

  const bounded = async <T>(
    path: string,
    ms: number,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ) => {
    const what = `Read ${url}${shortened(path)}`
    try {
      return await withDeadline(what, ms, signal, work)
    } catch (error) {
      if (signal.aborted || error instanceof UnavailableError) throw error
      throw new UnavailableError(what, { cause: plainError(error) })
    }
  }

  return {
    url,
    json: (path, signal, mostBytes = mostAnswerBytes) =>
      bounded(path, timeoutMs, signal, async (both) => {
        const config = { timeout: timeoutMs, maxContentLength: mostBytes }
        const response = await ask(path, 'application/json', config, both)
        const text = response.data instanceof Uint8Array ? Buffer.from(response.data).toString() : ''
        const isJson = /^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType(response))
        if (response.status !== 200) return { status: response.status, value: isJson ? await jsonOr(text) : undefined }
        if (!isJson) throw new Error(`it answers ${contentType(response)}, expected JSON (is it a login page?)`)
        return { status: 200, value: await parseJson(text) }
      }),
    text: (path, { deadlineMs, mostBytes }, signal, onText) =>
      bounded(path, deadlineMs, signal, async (both) => {
        const config = { responseType: 'stream', httpAgent: slow.http, httpsAgent: slow.https } as const
        const response = await ask(path, 'text/plain, */*', config, both)
        if (!(response.data instanceof Readable)) throw new Error('it answers nothing')
        try {
          if (response.status !== 200) return response.status
          if (/html/i.test(contentType(response)))
            throw new Error(`it answers ${contentType(response)}, expected plain text (is it a login page?)`)
          await readText(response.data, mostBytes, onText)
          return 200
        } finally {
          response.data.destroy()
        }
      }),
    close: () => {
      for (const agent of [agents.http, agents.https, slow.http, slow.https]) agent.destroy()
    },
  }
}

/**
 * What an answer means that is no success.
 *
 * @returns an UnavailableError; its message has what Flink said
 */
export function refusal(what: string, { status, value }: RestAnswer): UnavailableError {
  const said = saidBy(value)
  return new UnavailableError(`${what}: it answers ${status}${said === undefined ? '' : ` "${said}"`}, expected 200`, {
    denied: status === 401 || status === 403,
  })
}

/** The first line of `{"errors": [...]}`, which is how Flink says no. */
export function saidBy(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('errors' in value) || !Array.isArray(value.errors))
    return undefined
  const texts = value.errors.filter((text: unknown) => typeof text === 'string' && text !== '')
  return texts.length === 0 ? undefined : String(texts[0]).split('\n', 1).join('').slice(0, 200)
}

/** A text as a part of a path or query; undefined when it cannot be one (half of a surrogate pair). */
export function encoded(text: string): string | undefined {
  try {
    return encodeURIComponent(text)
  } catch {
    return undefined
  }
}

async function readText(body: Readable, mostBytes: number, onText: (piece: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let bytes = 0
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue
    onText(decoder.decode(chunk.subarray(0, mostBytes - bytes), { stream: true }))
    bytes += chunk.length
    if (bytes >= mostBytes) return
  }
  onText(decoder.decode())
}

function checkAnswer(response: AxiosResponse<unknown>): void {
  const { status } = response
  const encoding = headerOf(response, 'content-encoding') ?? 'identity'
  if (status >= 300 && status < 400) {
    const to = headerOf(response, 'location') ?? 'nowhere'
    throw new Error(`it redirects (${status}) to ${JSON.stringify(to.slice(0, 100))}, which is not followed`)
  }
  if (!/^\s*identity\s*$/i.test(encoding))
    throw new Error(`it answers in ${JSON.stringify(encoding.slice(0, 40))}, expected no encoding`)
}

function headerOf(response: AxiosResponse<unknown>, name: string): string | undefined {
  const value: unknown = response.headers[name]
  return typeof value === 'string' ? value : undefined
}

function contentType(response: AxiosResponse<unknown>): string {
  return headerOf(response, 'content-type')?.slice(0, 100) ?? 'no content type'
}

async function jsonOr(text: string): Promise<unknown> {
  try {
    return await parseJson(text)
  } catch {
    return undefined
  }
}

function isHangUp(error: unknown): boolean {
  return isAxiosError(error) && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
}

/** An error of axios holds its whole request, credentials included: only what it says goes on. */
function plainError(error: unknown): Error {
  if (!isAxiosError(error)) return error instanceof Error ? error : new Error(String(error))
  const size = /^maxContentLength size of (\d+)/.exec(error.message)
  if (size !== null) return new Error(`more than ${Number(size[1]) / 2 ** 20} MiB, expected less`)
  const code = error.code ?? ''
  return new Error(error.message.includes(code) ? error.message : `${error.message} (${code})`.trim())
}

function withoutCredentials(text: string): { readonly url: string; readonly authorization?: string } {
  const url = new URL(text)
  const plain = `${url.protocol}//${url.host}${url.pathname}`.replace(/\/+$/, '')
  if (url.username === '' && url.password === '') return { url: plain }
  const pair = [url.username, url.password].map(decodeURIComponent).join(':')
  return { url: plain, authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function shortened(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path
}
