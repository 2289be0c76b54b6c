/**
 * Registers a metrics endpoint with Lagkeeper and keeps it registered. One file without imports: take it as it is.
 */

/** Where Lagkeeper is. */
export interface LagkeeperAddress {
  /** Such as `http://lagkeeper:10390`. */
  readonly url: string
  /** Sent as bearer token; a function is asked before each request, so that a token can be replaced. */
  readonly token?: string | (() => string)
  /** Of one request; 5 s by default. */
  readonly timeoutMs?: number
}

/** What is registered. Only identity, address and incarnation are needed. */
export interface Registrant {
  readonly namespace: string
  readonly app: string
  readonly role: string
  readonly instance: string
  /** `host:port` at which Prometheus reaches the metrics. */
  readonly address: string
  /**
   * Which life of this identity: a number that grows with every start (an attempt number), or else a word that is new
   * with every start (a UUID). Not a time of day: clocks of hosts differ.
   */
  readonly incarnation: string
  /** More fields of the HTTP API in its own words: `scheme`, `metrics_path`, `params`, `labels`, `zone`, `lease_seconds`, `kind` … */
  readonly more?: Readonly<Record<string, unknown>>
}

/** What Lagkeeper answered to a registration. */
export interface Registered {
  readonly id: string
  readonly leaseSeconds: number
  readonly heartbeatSeconds: number
}

/** Lagkeeper said no, or could not be reached (then `status` is 0). */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError'
  readonly status: number
  /** From `Retry-After`. */
  readonly retryAfterSeconds: number | undefined

  constructor(message: string, status: number, retryAfterSeconds?: number, cause?: unknown) {
    super(message, { cause })
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }

  /** True when the same request will be refused again: the registration is wrong, or a newer life has taken its place. */
  get isFinal(): boolean {
    return [400, 409, 413, 415, 422].includes(this.status)
  }
}

/** @throws RegistrationError */
export async function register(daemon: LagkeeperAddress, one: Registrant, signal: AbortSignal): Promise<Registered> {
  const { address, incarnation, more } = one
  const answer = await ask(daemon, 'PUT', pathOf(one), signal, { ...more, address, incarnation })
  const body: Readonly<Record<string, unknown>> = Object(await answer.json())
  return {
    id: String(body['id']),
    leaseSeconds: Number(body['lease_seconds']),
    heartbeatSeconds: Number(body['heartbeat_interval_seconds']),
  }
}

/** Extends the lease; false when Lagkeeper does not know it (any more): register again. @throws RegistrationError */
export async function heartbeat(daemon: LagkeeperAddress, one: Registrant, signal: AbortSignal): Promise<boolean> {
  const answer = await ask(daemon, 'POST', `${pathOf(one)}/heartbeat?${lifeOf(one)}`, signal)
  return answer.status !== 404
}

/** Ends the registration at once; false when a newer life is registered, which stays. @throws RegistrationError */
export async function withdraw(daemon: LagkeeperAddress, one: Registrant, signal: AbortSignal): Promise<boolean> {
  try {
    await ask(daemon, 'DELETE', `${pathOf(one)}?${lifeOf(one)}`, signal)
    return true
  } catch (error) {
    if (error instanceof RegistrationError && error.status === 409) return false
    throw error
  }
}

export interface KeepOptions {
  /** Called when it is registered (again), and at the first of several failures. */
  readonly onChange?: (change: Registered | RegistrationError) => void
  /** How long the withdrawal at the end may take; 3 s by default. */
  readonly withdrawMs?: number
}

/**
 * Keeps one registered until the signal aborts, then withdraws it. While Lagkeeper is down it tries again and again; it
 * sends heartbeats, and registers again when Lagkeeper has forgotten it. It holds nothing up: start it beside the work.
 *
 * @throws RegistrationError that is final: wrong, or superseded by a newer life
 */
export async function keepRegistered(
  daemon: LagkeeperAddress,
  one: Registrant,
  signal: AbortSignal,
  options: KeepOptions = {},
): Promise<void> {
  const { onChange = () => undefined, withdrawMs = 3_000 } = options
  let heartbeatSeconds: number | undefined
  let failures = 0
  let wasRegistered = false
  while (!signal.aborted) {
    try {
      if (heartbeatSeconds !== undefined && !(await heartbeat(daemon, one, signal))) heartbeatSeconds = undefined
      if (heartbeatSeconds === undefined || failures > 0) {
        const registered = await register(daemon, one, signal)
        heartbeatSeconds = registered.heartbeatSeconds
        wasRegistered = true
        failures = 0
        onChange(registered)
      }
      await sleep(heartbeatSeconds * 1000, signal)
    } catch (error) {
      if (signal.aborted) break
      const known =
        error instanceof RegistrationError ? error : new RegistrationError(String(error), 0, undefined, error)
      if (known.isFinal) throw known
      failures++
      if (failures === 1) onChange(known)
      await sleep(retryMs(known, failures, heartbeatSeconds), signal)
    }
  }
  try {
    // Also when no answer ever came: the request may have arrived.
    await withdraw(daemon, one, AbortSignal.timeout(withdrawMs))
  } catch (error) {
    if (wasRegistered) throw error
  }
}

/** Doubling from half a second, at most 10 s or the heartbeat interval, with a little chance so that many do not march in step. */
function retryMs(error: RegistrationError, failures: number, heartbeatSeconds = 10): number {
  const most = Math.min(10_000, heartbeatSeconds * 1000)
  const least = (error.retryAfterSeconds ?? 0) * 1000
  return Math.max(Math.min(least, most), Math.min(most, 500 * 2 ** (failures - 1))) * (0.7 + 0.3 * Math.random())
}

function pathOf({ namespace, app, role, instance }: Registrant): string {
  return `/v1/registrations/${[namespace, app, role, instance].map(encodeURIComponent).join('/')}`
}

function lifeOf({ incarnation }: Registrant): string {
  return new URLSearchParams({ incarnation }).toString()
}

/** One request; 2xx comes back, and 404 to a heartbeat. */
async function ask(
  { url, token, timeoutMs = 5_000 }: LagkeeperAddress,
  method: string,
  path: string,
  signal: AbortSignal,
  body?: unknown,
): Promise<Response> {
  const secret = typeof token === 'function' ? token() : token
  const request: RequestInit = {
    method,
    // The token must not follow a redirect.
    redirect: 'error',
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(secret === undefined ? {} : { Authorization: `Bearer ${secret}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }
  let answer: Response
  try {
    answer = await fetch(`${url.replace(/\/+$/, '')}${path}`, request)
  } catch (error) {
    throw new RegistrationError(`Reach Lagkeeper at "${url}": ${reasonOf(error)}`, 0, undefined, error)
  }
  if (answer.ok || (answer.status === 404 && method === 'POST')) return answer
  const said = await answer.text().catch(() => '')
  const retryAfter = Number(answer.headers.get('Retry-After') ?? Number.NaN)
  throw new RegistrationError(
    `${method} "${path}": Lagkeeper at "${url}" answered ${answer.status} ${errorIn(said)}`,
    answer.status,
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  )
}

function errorIn(text: string): string {
  try {
    return String(Object(JSON.parse(text)).error)
  } catch {
    return text.slice(0, 200)
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(finish, ms)
    function finish(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    signal.addEventListener('abort', finish, { once: true })
  })
}
