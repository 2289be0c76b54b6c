import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { childSignal } from '../runtime/child-signal.ts'
import { describeError } from '../runtime/errors.ts'
import { unzip } from '../runtime/unzip.ts'
import { createIdentityReader, type ProbeResult } from '../targets/process-identity.ts'

export interface PageLimits {
  /** For the whole request. */
  readonly deadlineMs: number
  /** After so many decompressed bytes no more is read. */
  readonly mostBytes: number
}

export interface PagePlace {
  readonly scheme: 'http' | 'https'
  readonly ip: string
  readonly port: number
  /** With the query. */
  readonly path: string
  /** For the Host header. */
  readonly host: string
  /** For TLS, when there is a name. */
  readonly serverName?: string
}

/** A page that was read, or why there is none. */
export type PageRead<T> = { readonly verdict: 'page'; readonly identity: T } | Omit<ProbeResult, 'identity'>

/** Finds out, chunk by chunk, what is to be known of a page. */
export interface PageReader<T> {
  /** True when nothing that follows can change the answer. */
  push(chunk: Uint8Array): boolean
  /** `isWhole`: what came is all there is. */
  end(isWhole: boolean): T
}

/** Which process a page names: one bounded GET. Settles when its socket is closed; never rejects. */
export function readPage(
  place: PagePlace,
  limits: PageLimits,
  signal: AbortSignal,
): Promise<PageRead<string | undefined>> {
  return readPageWith(createIdentityReader(), place, limits, signal)
}

/** The same with another reader. */
export async function readPageWith<T>(
  reader: PageReader<T>,
  place: PagePlace,
  limits: PageLimits,
  signal: AbortSignal,
): Promise<PageRead<T>> {
  const both = childSignal(signal)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    both.abort()
  }, limits.deadlineMs)
  const request = open(place, both.signal)
  const closed = new Promise<void>((resolve) => {
    request.once('close', resolve)
  })
  let response: IncomingMessage | undefined
  try {
    response = await answerOf(request)
    const refused = judgeStatus(response.statusCode ?? 0)
    if (refused !== undefined) return refused
    return { verdict: 'page', identity: await readIdentity(reader, response, limits.mostBytes, both.signal) }
  } catch (error) {
    if (signal.aborted) return { verdict: 'unknown', why: 'we stopped asking' }
    if (isLate) return { verdict: 'unknown', why: `no complete answer within ${limits.deadlineMs} ms` }
    return judgeError(error, response !== undefined)
  } finally {
    clearTimeout(timer)
    both.release()
    response?.destroy()
    request.destroy()
    await closed
  }
}

function open({ scheme, ip, port, path, host, serverName }: PagePlace, signal: AbortSignal): ClientRequest {
  const options = {
    host: ip,
    port,
    path,
    signal,
    agent: false,
    headers: {
      Host: host,
      Accept: 'text/plain;version=0.0.4',
      'Accept-Encoding': 'gzip',
      Connection: 'close',
      'User-Agent': 'lagkeeper-probe',
    },
  }
  // Errors after the answer has begun reach its reader as well; here nobody must be surprised by them.
  const request =
    scheme === 'https'
      ? requestHttps({ ...options, rejectUnauthorized: false, servername: serverName ?? '' })
      : requestHttp(options)
  request.on('error', () => undefined)
  return request.end()
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
}

function judgeStatus(status: number): Omit<ProbeResult, 'identity'> | undefined {
  if (status === 200) return undefined
  const why = `it answers ${status}`
  if (status === 404 || status === 410) return { verdict: 'gone', why: `${why}: its page is not there` }
  // Somebody who wants a password, or sends us elsewhere, is there and does not say who he is.
  return { verdict: status >= 500 || status === 429 ? 'unknown' : 'unverified', why }
}

/** Nothing listens there, or whoever does hangs up without a word. */
const goneCodes: readonly unknown[] = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE']

function judgeError(error: unknown, hasAnswered: boolean): Omit<ProbeResult, 'identity'> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why = describeError(error)
  if (hasAnswered) return { verdict: 'unknown', why }
  if (goneCodes.includes(code)) return { verdict: 'gone', why }
  // It speaks, but not the protocol that was registered.
  return { verdict: /^(?:HPE_|ERR_SSL|ERR_TLS|EPROTO)/.test(code) ? 'unverified' : 'unknown', why }
}

async function readIdentity<T>(
  reader: PageReader<T>,
  response: IncomingMessage,
  mostBytes: number,
  signal: AbortSignal,
): Promise<T> {
  const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip') return reader.end(false)
  const body = encoding === 'gzip' ? unzip(response, signal) : response
  let bytes = 0
  try {
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) continue
      const isEnough = reader.push(chunk.subarray(0, mostBytes - bytes))
      bytes += chunk.length
      if (isEnough || bytes > mostBytes) return reader.end(false)
    }
  } finally {
    body.destroy()
  }
  return reader.end(true)
}
