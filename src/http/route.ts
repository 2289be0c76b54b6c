/** What a route sees of a request: nothing of it knows a socket, so that routes are tested as functions. */
export interface Request {
  /** `GET`, `PUT` …; a HEAD arrives at its GET route as `HEAD`, and the server drops the body. */
  readonly method: string
  /** As sent, still encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** By lower-case name; what came more than once is joined by a comma. */
  readonly headers: Readonly<Record<string, string>>
  /** The named parts of the route's path, decoded once. */
  readonly params: Readonly<Record<string, string>>
  /**
   * The whole body.
   *
   * @throws Refusal 413 when it is longer than `maxBytes`, 400 when it is cut off (the server cuts one that is slow).
   */
  body(maxBytes: number): Promise<Buffer>
  /** IP address of the peer, an IPv4 one in its own form (`127.0.0.1`, not `::ffff:127.0.0.1`). */
  readonly remoteAddress: string
  /** Name of the user whose password was right; absent when nobody is asked for one. */
  readonly user?: string
  /** First name in the client's certificate, when it showed one that we verified. */
  readonly certificate?: string
  /** Aborts when the peer is gone or the server stops. */
  readonly signal: AbortSignal
}

export interface Response {
  readonly status: number
  /** Header names as they are to be sent. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes that come one after another are sent with back-pressure; nothing is read from them for a HEAD. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>
}

export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** In express 5's words: `/v1/registrations/:namespace/:app`. */
  readonly path: string
  /**
   * May throw: a Refusal is answered as it says, a ConflictError with 409, an UnavailableError with 503, a DecodeError
   * with 400, all else with 500 and a line in the log.
   */
  handle(request: Request): Promise<Response> | Response
}

/** Ends a request with an answer that says no: throw it from wherever the trouble is found. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  /** More members of the JSON answer beside `error`. */
  readonly details: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.details = details
    this.headers = headers
  }
}

/** An answer of JSON with a newline behind it. */
export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return jsonAsIs(status, JSON.stringify(value), headers)
}

/** As `json`, for a value that is JSON text already. */
export function jsonAsIs(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...securityHeaders, ...headers },
    body: `${text}\n`,
  }
}

/** The JSON answer that says no: `{"error": message, …details}`. */
export function refuse(
  status: number,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Response {
  return json(status, { error: message, ...details }, headers)
}

export function text(status: number, body: string): Response {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...securityHeaders }, body }
}

export function html(status: number, body: string): Response {
  return { status, headers: { 'Content-Type': 'text/html; charset=utf-8', ...securityHeaders }, body }
}

/** Names of jobs, topics and groups are written by strangers: a browser may run and load nothing but our own files. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}
