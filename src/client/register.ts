/**
 * Registers a metrics endpoint with Lagkeeper and keeps it registered. One file without imports: take it as it is.
 */

/** Where Lagkeeper is. */
export interface LagkeeperAddress {
  /**
   * Such as `http://lagkeeper:10390`. Several are replicas: the one that answered last is asked first, the next one when
   * it cannot be reached or is in trouble (5xx).
   */
  readonly url: string | readonly string[]
  /** Sent as bearer token; a function is asked before each request, so that a token can be replaced. */
  readonly token?: string | (() => string)
  /** Of one request to one replica; 5 s by default. */
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
  /** How long to wait between two signs of life. */
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

  /**
   * True when the same request will be refused again: the registration is wrong, or a newer life has taken its place. A
   * 409 with `Retry-After` is about an address that may become free.
   */
  get isFinal(): boolean {
    if (this.status === 409) return this.retryAfterSeconds === undefined
    return [400, 413, 415, 422].includes(this.status)
  }
}

/** @throws RegistrationError */
export async function register(daemon: LagkeeperAddress, one: Registrant, signal: AbortSignal): Promise<Registered> {
  return askToRegister(createAsk(daemon), one, signal)
}

/** Extends the lease; false when Lagkeeper does not know it (any more): register again. @throws RegistrationError */
export async function heartbeat(daemon: LagkeeperAddress, one: Registrant, signal: AbortSignal): Promise<boolean> {
  return askToRenew(createAsk(daemon), one, signal)
}

/** Ends the registration at once; false when a newer life is registered, which stays. @throws RegistrationError */
export async function withdraw(daemon: LagkeeperAddress, one: Registrant, signal: AbortSignal): Promise<boolean> {
  return askToWithdraw(createAsk(daemon), one, signal)
}

/** How a registration stands. The last three are the end of it. */
export type RegistrationState =
  | { readonly state: 'registered'; readonly registered: Registered }
  /** It did not work, and is tried again and again: told at the first of several failures. */
  | { readonly state: 'retrying'; readonly error: RegistrationError }
  | { readonly state: 'refused'; readonly error: RegistrationError }
  | { readonly state: 'withdrawn' }
  /** The end could not be announced: the registration stays until its lease is over. */
  | { readonly state: 'left'; readonly error: RegistrationError }

export type FinalState = Exclude<RegistrationState, { readonly state: 'registered' | 'retrying' }>

export interface KeepOptions {
  /** Called at each change; what it throws is dropped. */
  readonly onState?: (state: RegistrationState) => void
  /** How long the withdrawal at the end may take, all attempts together; 3 s by default. */
  readonly withdrawMs?: number
  /** Waits between two requests in place of a timer; resolves early when the signal aborts, and never rejects. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * Keeps one registered until the signal aborts, then withdraws it. Never rejects, so it can run beside the work: while
 * Lagkeeper is down it tries again and again, it sends signs of life as often as Lagkeeper asks for, and registers again
 * when Lagkeeper has forgotten it. It ends early only when it is refused for good: wrong, or superseded by a newer life.
 * Until then its timer keeps the process alive: abort the signal when the work is done.
 */
export async function keepRegistered(
  daemon: LagkeeperAddress,
  one: Registrant,
  signal: AbortSignal,
  { onState, withdrawMs = 3_000, sleep = sleepByTimer }: KeepOptions = {},
): Promise<FinalState> {
  const ask = createAsk(daemon)
  let present: Registered | undefined
  let wasRegistered = false
  let failures = 0

  function tell<S extends RegistrationState>(state: S): S {
    try {
      onState?.(state)
    } catch {
      // A fault of the listener is no reason to lose the registration.
    }
    return state
  }

  while (!signal.aborted) {
    try {
      if (present !== undefined && !(await askToRenew(ask, one, signal))) present = undefined
      if (present === undefined) {
        present = await askToRegister(ask, one, signal)
        wasRegistered = true
        tell({ state: 'registered', registered: present })
      }
      failures = 0
      await sleep(present.heartbeatSeconds * 1000 * (0.9 + 0.1 * Math.random()), signal)
    } catch (thrown) {
      if (signal.aborted) break
      const error = errorOf(thrown)
      if (error.isFinal) return tell({ state: 'refused', error })
      failures++
      if (failures === 1) tell({ state: 'retrying', error })
      await sleep(retryMs(error, failures, present?.heartbeatSeconds), signal)
      // It may be forgotten or just late: registering again is right in both cases, and tells that it works again.
      present = undefined
    }
  }
  // Also when no answer ever came: the request may have arrived.
  const error = await withdrawWithin(withdrawMs, { daemon, ask, one, wasRegistered, sleep })
  return tell(error === undefined ? { state: 'withdrawn' } : { state: 'left', error })
}

interface Farewell {
  readonly daemon: LagkeeperAddress
  readonly ask: Ask
  readonly one: Registrant
  readonly wasRegistered: boolean
  readonly sleep: NonNullable<KeepOptions['sleep']>
}

/** Announces the end, again and again until the time is over; once only when nobody ever heard of the beginning. */
async function withdrawWithin(
  withdrawMs: number,
  { daemon, ask, one, wasRegistered, sleep }: Farewell,
): Promise<RegistrationError | undefined> {
  const endsAt = performance.now() + withdrawMs
  const over = AbortSignal.timeout(withdrawMs)
  // A replica that does not answer leaves time for the others.
  const timeoutMs = Math.min(daemon.timeoutMs ?? defaultTimeoutMs, withdrawMs / Math.max(1, urlsOf(daemon).length))
  for (let pauseMs = 200; ; pauseMs *= 2) {
    try {
      await askToWithdraw(ask, one, over, timeoutMs)
      return undefined
    } catch (thrown) {
      const error = errorOf(thrown)
      const isHopeless = error.status >= 400 && error.status < 500 && error.status !== 429
      const leftMs = endsAt - performance.now()
      if (!wasRegistered || isHopeless || leftMs < shortestPauseMs) return error
      // Half of the time that is left at most: a longer wait than we have must not cost the last attempt.
      await sleep(Math.min(leftMs / 2, Math.max(pauseMs, (error.retryAfterSeconds ?? 0) * 1000)), over)
    }
  }
}

/**
 * What the answer asked for and a third more by chance, so that many do not come back at once; else doubling from half a
 * second, at most 10 s or the heartbeat interval.
 */
function retryMs({ retryAfterSeconds }: RegistrationError, failures: number, heartbeatSeconds = 10): number {
  if (retryAfterSeconds !== undefined)
    return Math.min(longestWaitMs, Math.max(shortestPauseMs, retryAfterSeconds * 1000)) * (1 + Math.random() / 3)
  const most = Math.min(10_000, heartbeatSeconds * 1000)
  return Math.min(most, 500 * 2 ** (failures - 1)) * (0.7 + 0.3 * Math.random())
}

const longestWaitMs = 300_000
const shortestPauseMs = 100
const defaultTimeoutMs = 5_000

function errorOf(thrown: unknown): RegistrationError {
  return thrown instanceof RegistrationError ? thrown : new RegistrationError(reasonOf(thrown), 0, undefined, thrown)
}

async function askToRegister(ask: Ask, one: Registrant, signal: AbortSignal): Promise<Registered> {
  const { address, incarnation, more } = one
  const answer = await ask({ method: 'PUT', path: pathOf(one), body: { ...more, address, incarnation } }, signal)
  const body = membersOf(answer.text)
  const seconds = Number(body['heartbeat_interval_seconds'])
  // Whoever answers like this is not Lagkeeper; and a timer of NaN or a month would fire at once.
  if (!(seconds > 0 && seconds <= 86_400))
    throw new RegistrationError(
      `PUT "${pathOf(one)}": "${answer.url}" answered ${answer.status} ${preview(answer.text)}, expected heartbeat_interval_seconds`,
      0,
    )
  return { id: String(body['id']), leaseSeconds: Number(body['lease_seconds']), heartbeatSeconds: seconds }
}

async function askToRenew(ask: Ask, one: Registrant, signal: AbortSignal): Promise<boolean> {
  const answer = await ask({ method: 'POST', path: `${pathOf(one)}/heartbeat?${lifeOf(one)}` }, signal)
  return answer.status !== 404
}

async function askToWithdraw(ask: Ask, one: Registrant, signal: AbortSignal, timeoutMs?: number): Promise<boolean> {
  const answer = await ask({ method: 'DELETE', path: `${pathOf(one)}?${lifeOf(one)}` }, signal, timeoutMs)
  return answer.status !== 409
}

function pathOf({ namespace, app, role, instance }: Registrant): string {
  return `/v1/registrations/${[namespace, app, role, instance].map(encodeURIComponent).join('/')}`
}

function lifeOf({ incarnation }: Registrant): string {
  return new URLSearchParams({ incarnation }).toString()
}

interface Question {
  readonly method: 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: unknown
}

interface Answer {
  readonly url: string
  readonly status: number
  readonly text: string
}

/** 2xx comes back, 404 to a heartbeat and 409 to a withdrawal; all else is thrown. */
type Ask = (question: Question, signal: AbortSignal, timeoutMs?: number) => Promise<Answer>

/** Asks one replica after the other, and remembers which one answered. */
function createAsk(daemon: LagkeeperAddress): Ask {
  let urls = urlsOf(daemon)
  return async (question, signal, timeoutMs) => {
    const failed: RegistrationError[] = []
    for (const url of urls) {
      try {
        const answer = await askOne(daemon, url, question, signal, timeoutMs)
        urls = [url, ...urls.filter((other) => other !== url)]
        return answer
      } catch (thrown) {
        const error = errorOf(thrown)
        if (signal.aborted || (error.status !== 0 && error.status < 500)) throw error
        failed.push(error)
      }
    }
    const [first = new RegistrationError('No URL of Lagkeeper given', 0), ...others] = failed
    if (others.length === 0) throw first
    const waits = failed.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? [])
    throw new RegistrationError(
      failed.map(({ message }) => message).join('; '),
      Math.max(...failed.map(({ status }) => status)),
      waits.length === 0 ? undefined : Math.min(...waits),
      first,
    )
  }
}

function urlsOf({ url }: LagkeeperAddress): readonly string[] {
  return typeof url === 'string' ? [url] : url
}

async function askOne(
  { token, timeoutMs: usualMs = defaultTimeoutMs }: LagkeeperAddress,
  url: string,
  { method, path, body }: Question,
  signal: AbortSignal,
  timeoutMs = usualMs,
): Promise<Answer> {
  const secret = typeof token === 'function' ? token() : token
  // No AbortSignal.any: some Node 20 keep every signal made of one that lives as long as the job.
  const end = new AbortController()
  const onAbort = (): void => end.abort(signal.reason)
  const timer = setTimeout(() => end.abort(new Error(`no answer within ${Math.round(timeoutMs)} ms`)), timeoutMs)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}${path}`, {
      method,
      // The token must not follow a redirect.
      redirect: 'error',
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(secret === undefined ? {} : { Authorization: `Bearer ${secret}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: end.signal,
    })
    const text = await response.text()
    const { status } = response
    const isAnswer = response.ok || (status === 404 && method === 'POST') || (status === 409 && method === 'DELETE')
    if (isAnswer) return { url, status, text }
    throw new RegistrationError(
      `${method} "${path}": Lagkeeper at "${url}" answered ${status} ${errorIn(text)}`,
      status,
      retryAfterOf(response),
    )
  } catch (error) {
    if (error instanceof RegistrationError) throw error
    throw new RegistrationError(`Reach Lagkeeper at "${url}": ${reasonOf(error)}`, 0, undefined, error)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Seconds only: a date would need clocks that agree. */
function retryAfterOf({ headers }: Response): number | undefined {
  const text = headers.get('Retry-After') ?? ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}

function errorIn(text: string): string {
  const { error } = membersOf(text)
  return typeof error === 'string' ? error : preview(text)
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function preview(text: string): string {
  return text.slice(0, 200)
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message
}

function sleepByTimer(ms: number, signal: AbortSignal): Promise<void> {
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
