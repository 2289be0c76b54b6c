import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'

/**
 * An answer whose body is gzip, opened; it fails when the answer is cut off. A small window at a time, so that little
 * compressed input cannot make much of us before the cap is seen.
 */
export function unzip(response: IncomingMessage, signal: AbortSignal): Readable {
  const gunzip = createGunzip({ chunkSize: 64 * 1024 })
  const fail = (error: Error): void => void gunzip.destroy(error)
  response.once('error', fail)
  response.once('aborted', () => fail(new Error('cut off')))
  signal.addEventListener('abort', () => fail(new Error('aborted')), { once: true })
  return response.pipe(gunzip)
}
