import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { ConnectionOptions } from 'node:tls'
import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  clientCredentialsGrantRequest,
  customFetch,
  OperationProcessingError,
  processClientCredentialsResponse,
  ResponseBodyError,
} from 'oauth4webapi'
import type { Clock } from '../runtime/clock.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { describeError, UnavailableError } from '../runtime/errors.ts'
import { createTokenSource, type FetchedToken, type TokenSource } from './sasl-token.ts'

export interface TokenEndpoint {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: { reveal(): string }
  /** How the secret travels: in the header (RFC 6749, section 2.3.1) or in the form. */
  readonly clientAuth: 'basic' | 'post'
  readonly scope?: string
  readonly audience?: string
  /** For an authority that Node does not know. */
  readonly tls?: Pick<ConnectionOptions, 'ca'>
}

const TIMEOUT_MS = 20_000
const MAX_BYTES = 256 * 1024

/** Client credentials (RFC 6749, section 4.4) at the token endpoint of an OpenID provider. */
export function tokenFromEndpoint(endpoint: TokenEndpoint, clock: Clock, timeoutMs = TIMEOUT_MS): TokenSource {
  const what = `token of ${JSON.stringify(endpoint.url)}`
  const fetch = (signal: AbortSignal): Promise<FetchedToken> =>
    withDeadline(`Ask for a ${what}`, timeoutMs, signal, (both) => askFor(what, endpoint, both))
  return createTokenSource(what, fetch, clock)
}

async function askFor(what: string, endpoint: TokenEndpoint, signal: AbortSignal): Promise<FetchedToken> {
  const { url, clientId, clientSecret, clientAuth, scope, audience } = endpoint
  // The issuer is asked for by the library and used for nothing here: the answer is a token for the broker, not for us.
  const server = { issuer: new URL(url).origin, token_endpoint: url }
  const client = { client_id: clientId }
  const secret = clientSecret.reveal()
  const parameters = { ...(scope === undefined ? {} : { scope }), ...(audience === undefined ? {} : { audience }) }
  let status = 0
  try {
    const response = await clientCredentialsGrantRequest(
      server,
      client,
      clientAuth === 'basic' ? ClientSecretBasic(secret) : ClientSecretPost(secret),
      parameters,
      {
        signal,
        [allowInsecureRequests]: url.startsWith('http:'),
        [customFetch]: (address, { method, headers, body }) =>
          post(address, method, headers, String(body), endpoint.tls, signal),
      },
    )
    status = response.status
    const { access_token, expires_in } = await processClientCredentialsResponse(server, client, response)
    return { text: access_token, ...(expires_in === undefined ? {} : { lifetimeMs: expires_in * 1000 }) }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw refusalOf(what, error, status)
  }
}

/** The answer itself is not repeated, nor what a parser says of it: some servers put into it what they were sent. */
function refusalOf(what: string, error: unknown, status: number): UnavailableError {
  const isRefused = status >= 400 && status < 500 && status !== 408 && status !== 429
  if (error instanceof ResponseBodyError)
    return new UnavailableError(`Ask for a ${what}: HTTP ${status}, ${codeOf(error.error)}`, { denied: isRefused })
  if (status !== 0 && status !== 200)
    return new UnavailableError(`Ask for a ${what}: HTTP ${status}, expected a token`, { denied: isRefused })
  const why = error instanceof OperationProcessingError ? error.message : describeError(error)
  return new UnavailableError(`Ask for a ${what}: ${why.slice(0, 300)}`)
}

/** An error code of RFC 6749 as it is; anything else is text that we do not know. */
function codeOf(text: string): string {
  return /^[a-z_]{1,40}$/.test(text) ? text : 'an error of its own'
}

/** Node's own fetch cannot be told which authorities to trust. */
function post(
  address: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  tls: TokenEndpoint['tls'],
  signal: AbortSignal,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      signal,
      agent: false,
      headers: { ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' },
    }
    const request = address.startsWith('https:')
      ? requestHttps(address, { ...options, ...tls })
      : requestHttp(address, options)
    request.once('error', reject)
    request.once('response', (response) => {
      readAll(response)
        .then((content) => answerOf(response, content))
        .then(resolve, (error: unknown) => {
          request.destroy()
          reject(error)
        })
    })
    request.end(body)
  })
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, content: string): Response {
  const type = headers['content-type']
  return new Response(content, { status: statusCode, headers: type === undefined ? {} : { 'Content-Type': type } })
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue
    bytes += chunk.length
    if (bytes > MAX_BYTES) throw new UnavailableError(`the answer is longer than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
