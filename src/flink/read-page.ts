import { type ClientRequest, type IncomingMessage, request as startRequest } from 'node:http'
import { describeError } from '../runtime/errors.ts'
import { unzip } from '../runtime/unzip.ts'
import { filterLabel } from './filter-label.ts'
import type { FlinkPage, PageFailure } from './flink-page.ts'
import { createPageParser, type ParseLimits } from './parse-page.ts'

/** A page to be read. */
export interface PageRequest {
  /** `http:`, the reporter has no TLS, with a literal IP address. */
  readonly url: string
  /** Which TaskManager must be the one that answers. */
  readonly tmId: string
  /** Whether gzip is asked for. */
  readonly isPacked: boolean
  /** For the whole request. */
  readonly deadlineMs: number
  /** A page that is longer, decompressed, is not used. */
  readonly mostBytes: number
  readonly parse?: ParseLimits
  /** Gives equal texts as one, so that many pages share their names. */
  readonly intern: (text: string) => string
  /** Awaited before each piece of a page: however many come at once, only one is gone through in one step. */
  readonly turn: () => Promise<void>
}

/** Why there is no page. */
export type PageTrouble = Pick<PageFailure, 'kind' | 'why'>

/**
 * One bounded GET of a TaskManager's page. It is given up at the first line that names another process, redirects are
 * not followed, and a page of which the end is missing is none. Every read has a connection of its own: what is at the
 * other end is whoever has the port now. Settles when its socket is closed; never rejects.
 */
export async function readPage(asked: PageRequest, signal: AbortSignal): Promise<FlinkPage | PageTrouble> {
  if (!URL.canParse(asked.url)) return { kind: 'failed', why: `"${asked.url}" is no URL` }
  // Not AbortSignal.any: the daemon's own signal would remember every page that was ever read.
  const stop = new AbortController()
  const abort = (): void => stop.abort()
  const timer = setTimeout(abort, asked.deadlineMs)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  const request = open(asked, stop.signal)
  const closed = new Promise<void>((resolve) => {
    request.once('close', resolve)
  })
  let response: IncomingMessage | undefined
  try {
    response = await answerOf(request)
    if (response.statusCode !== 200) return { kind: 'failed', why: `it answers ${response.statusCode}` }
    return await readBody(response, asked, stop.signal)
  } catch (error) {
    if (signal.aborted) return { kind: 'failed', why: 'we stopped asking' }
    if (stop.signal.aborted) return { kind: 'timeout', why: `no complete answer within ${asked.deadlineMs} ms` }
    const isRefused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
    return { kind: isRefused ? 'refused' : 'failed', why: describeError(error) }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    response?.destroy()
    request.destroy()
    await closed
  }
}

function open({ url: text, isPacked }: PageRequest, signal: AbortSignal): ClientRequest {
  const url = new URL(text)
  const request = startRequest({
    // Brackets are for URLs; sockets take an IPv6 address without.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port,
    path: `${url.pathname}${url.search}`,
    signal,
    agent: false,
    headers: {
      Host: url.host,
      Accept: 'text/plain;version=0.0.4',
      'Accept-Encoding': isPacked ? 'gzip' : 'identity',
      Connection: 'close',
      'User-Agent': 'lagkeeper',
    },
  })
  // Errors after the answer has begun reach its reader as well; here nobody must be surprised by them.
  request.on('error', () => undefined)
  return request.end()
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
}

async function readBody(
  response: IncomingMessage,
  { tmId, mostBytes, intern, parse, turn }: PageRequest,
  signal: AbortSignal,
): Promise<FlinkPage | PageTrouble> {
  const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip')
    return { kind: 'failed', why: `its content encoding is "${encoding.slice(0, 40)}", which was not asked for` }
  const { 'content-length': length, 'transfer-encoding': transfer = '' } = response.headers
  // What goes on until the connection is closed looks whole wherever it was cut off.
  if (encoding === 'identity' && length === undefined && !/\bchunked\b/i.test(transfer))
    return { kind: 'failed', why: 'its page says neither how long it is nor where it ends' }
  const body = encoding === 'gzip' ? unzip(response, signal) : response
  const parser = createPageParser(intern, parse)
  let bytes = 0
  try {
    // One chunk at a time and the socket waits meanwhile: whoever sends more than we take holds up himself only.
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue
      bytes += chunk.length
      if (bytes > mostBytes) return { kind: 'too_large', why: `its page is longer than ${mostBytes} bytes` }
      await turn()
      parser.push(chunk)
      const trouble = otherProcess(parser.tmId(), tmId)
      if (trouble !== undefined) return trouble
      if (parser.isTooMuch()) return { kind: 'too_large', why: 'its page has more gauges or names than we keep' }
    }
  } finally {
    body.destroy()
  }
  signal.throwIfAborted()
  if (parser.isWithinLine()) return { kind: 'failed', why: 'its page ends within a line' }
  const page = parser.end()
  return page.tmId === undefined
    ? { kind: 'no_flink_page', why: 'no line of its page says which TaskManager it is of (tm_id)' }
    : page
}

function otherProcess(shown: string | undefined, expected: string): PageTrouble | undefined {
  if (shown === undefined || shown === expected || filterLabel(shown) === filterLabel(expected)) return undefined
  return { kind: 'other_process', why: `its page is of "${shown.slice(0, 256)}", expected "${expected}"` }
}
