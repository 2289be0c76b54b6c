import type { Agent, RequestOptions } from 'node:https'
import { request } from 'node:https'
import type { Door } from '../../src/http/door.ts'
import type { ServerTls } from '../../src/http/protection.ts'
import type { Route } from '../../src/http/route.ts'
import { createHttpServer, type HttpLimits } from '../../src/http/server.ts'
import { silentLogger } from '../../src/runtime/logger.ts'

/** Our server behind a door, on a free port of loopback; `port` is where. */
export async function startBehind(
  door: Door,
  routes: readonly Route[],
  limits: Partial<HttpLimits> = {},
): Promise<AsyncDisposable & { readonly port: number }> {
  const stop = new AbortController()
  let done: Promise<void> = Promise.resolve()
  const port = await new Promise<number>((resolve, reject) => {
    done = createHttpServer({ host: '127.0.0.1', port: 0, limits }, () => routes, {
      logger: silentLogger,
      door,
      onListening: (address) => resolve(address.port),
    }).run(stop.signal)
    done.catch(reject)
  })
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await done
    },
  }
}

/** TLS as the web configuration gives it, with what is given. */
export function tlsOf(cert: string, key: string, more: Partial<ServerTls> = {}): ServerTls {
  return {
    cert,
    key: { reveal: () => key },
    clientAuth: 'NoClientCert',
    allowedSans: [],
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    honorCipherOrder: true,
    ...more,
  }
}

export interface SecureAnswer {
  readonly status: number | undefined
  readonly text: string
  /** Common name in the certificate of the server. */
  readonly server: string | undefined
  /** Whether the connection was one of before. */
  readonly isReused: boolean
}

/** Asks over TLS; the code of the error, such as `ECONNRESET`, when there is no answer. */
export function askSecurely(
  port: number,
  path: string,
  options: RequestOptions & { readonly agent?: Agent } = {},
): Promise<SecureAnswer | string> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', servername: 'localhost', port, path, ...options }, (response) => {
      let text = ''
      const { socket } = response
      const server = 'getPeerX509Certificate' in socket ? commonName(socket) : undefined
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode, text, server, isReused: asked.reusedSocket }))
      response.once('error', (error) => resolve(error.message))
    })
    asked.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    asked.end()
  })
}

function commonName(socket: object): string | undefined {
  const certificate: unknown =
    'getPeerCertificate' in socket && typeof socket.getPeerCertificate === 'function'
      ? socket.getPeerCertificate()
      : undefined
  const subject: unknown =
    typeof certificate === 'object' && certificate !== null && 'subject' in certificate
      ? certificate.subject
      : undefined
  return typeof subject === 'object' && subject !== null && 'CN' in subject ? String(subject.CN) : undefined
}
