import { createServer, type IncomingMessage } from 'node:http'
import { listenOnLoopback } from '../fakes/listen.ts'

export interface OidcOptions {
  readonly clientId: string
  readonly clientSecret: string
  /** Of the tokens, and what `expires_in` says. */
  readonly lifetimeMs: number
  /** Whom the tokens name. */
  readonly subject: string
}

export interface OidcRig extends AsyncDisposable {
  readonly tokenEndpoint: string
  /** How many tokens were given. */
  given(): number
  /** From now on every request is answered with HTTP 503. */
  fail(): void
  /** From now on they are answered again. */
  heal(): void
}

/**
 * The token endpoint of an OpenID provider (client credentials). Its tokens are JWTs without a signature, which Kafka's
 * default validator for OAUTHBEARER takes: it is meant for tests.
 */
export async function startOidc(options: OidcOptions): Promise<OidcRig> {
  let given = 0
  let isUp = true
  const server = createServer((request, response) => {
    const answer = (status: number, content: object): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(content))
    }
    readForm(request).then(
      (form) => {
        if (!isUp) answer(503, { error: 'temporarily_unavailable' })
        else if (!isClient(options, request.headers.authorization)) answer(401, { error: 'invalid_client' })
        else if (form.get('grant_type') !== 'client_credentials') answer(400, { error: 'unsupported_grant_type' })
        else {
          given++
          answer(200, {
            access_token: unsignedToken(options.subject, options.lifetimeMs),
            token_type: 'Bearer',
            expires_in: options.lifetimeMs / 1000,
          })
        }
      },
      () => request.destroy(),
    )
  })
  const { url, close } = await listenOnLoopback(server)
  return {
    tokenEndpoint: `${url}/token`,
    given: () => given,
    fail: () => {
      isUp = false
    },
    heal: () => {
      isUp = true
    },
    [Symbol.asyncDispose]: close,
  }
}

/** Both parts are encoded as in a form first (RFC 6749, section 2.3.1). */
function isClient({ clientId, clientSecret }: OidcOptions, header = ''): boolean {
  const pair = Buffer.from(header.replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':')
  const [id, secret] = pair.map((part) => decodeURIComponent(part.replaceAll('+', ' ')))
  return id === clientId && secret === clientSecret
}

/** A JWT with the algorithm "none". */
export function unsignedToken(subject: string, lifetimeMs: number): string {
  const now = Date.now() / 1000
  const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now - 1, exp: now + lifetimeMs / 1000 })}.`
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}
