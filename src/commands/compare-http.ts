import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { UnavailableError } from '../runtime/errors.ts'
import { unzip } from '../runtime/unzip.ts'

export interface GetLimits {
  /** For the whole answer. */
  readonly deadlineMs: number
  /** Most bytes of an answer after decompression. */
  readonly mostBytes: number
}

/**
 * One bounded GET over HTTP or HTTPS; `user:password@` in the URL becomes an `Authorization` header. Text comes in
 * pieces. Redirects are not followed.
 *
 * @throws UnavailableError when there is no whole answer of status 200 within the limits
 */
export async function getText(
  url: URL,
  limits: GetLimits,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<void> {
  const timer = AbortSignal.timeout(limits.deadlineMs)
  const where = shownUrl(url)
  try {
    await readAll(url, limits.mostBytes, AbortSignal.any([signal, timer]), onText)
  } catch (error) {
    if (signal.aborted) throw new UnavailableError(`Read ${where}: stopped`)
    if (timer.aborted)
      throw new UnavailableError(`Read ${where}: no whole answer within ${limits.deadlineMs / 1_000} s`)
    throw new UnavailableError(`Read ${where}`, { cause: error })
  }
}

/** A URL as it may be shown: without user and password. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search}`
}

async function readAll(
  url: URL,
  mostBytes: number,
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<void> {
  const credentials = url.username === '' ? undefined : `${decoded(url.username)}:${decoded(url.password)}`
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const request = send(new URL(url.pathname + url.search, url.origin), {
    agent: false,
    signal,
    headers: {
      Accept: 'text/plain;version=0.0.4, application/json;q=0.9, */*;q=0.1',
      'Accept-Encoding': 'gzip',
      'User-Agent': 'lagkeeper-compare',
      ...(credentials === undefined ? {} : { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
    },
  })
  try {
    const body = await new Promise<Readable>((resolve, reject) => {
      request.once('error', reject)
      request.once('response', (response) => {
        const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
        if (response.statusCode !== 200) reject(new Error(`it answers ${response.statusCode}, expected 200`))
        else if (encoding === 'identity') resolve(response)
        else if (encoding !== 'gzip') reject(new Error(`it answers in ${encoding.slice(0, 40)}, expected gzip or none`))
        else resolve(unzip(response, signal))
      })
      request.end()
    })
    const decoder = new TextDecoder()
    let bytes = 0
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) continue
      bytes += chunk.length
      if (bytes > mostBytes) throw new Error(`more than ${mostBytes / 2 ** 20} MiB, expected less`)
      onText(decoder.decode(chunk, { stream: true }))
    }
    onText(decoder.decode())
  } finally {
    // Errors that come once nobody waits any more must surprise nobody.
    request.on('error', () => undefined)
    request.destroy()
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
