import { DecodeError, describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { shownUrl } from '../runtime/shown-url.ts'
import type { Answer, Http } from './http.ts'
import { jsonOf, startOf, textOf } from './read-answer.ts'
import { clusterInfo, remoteException } from './records.ts'

/** What an answer said, and what shows that it came from one that had become active before. */
export interface Told<T> {
  readonly value: T
  /** As in its records: when the ResourceManager became active; undefined when there was no record. */
  readonly clusterId: number | undefined | 'none needed'
}

/** The ResourceManagers of one cluster, of which one is active and answers for it. */
export interface ResourceManagers {
  /**
   * Asks the active one, and looks for it first when it is not known. One that is known is asked directly; of a silent
   * one no more than one time-out is waited for, and then the others are asked.
   *
   * One that was started again answers with an empty list, with a part of it, and with 404 until it has recovered what
   * it knew. So records must be of the life that was seen to be active, and what comes without any is believed only when
   * it says, asked once more, that it has been active all along.
   *
   * @param path under `/ws/v1/cluster`, without it
   * @param read of an answer with status 200 and JSON; what it throws as DecodeError counts as no answer
   * @returns undefined when the active one says that there is no such thing (404)
   * @throws UnavailableError when none is active, with what each said; or when the active one refuses the request (400)
   */
  ask<T>(
    path: string,
    query: Readonly<Record<string, string>>,
    read: (answer: Answer) => Promise<Told<T>>,
    signal: AbortSignal,
  ): Promise<T | undefined>
}

const MOST_INFO_BYTES = 64 * 1024
const MOST_LIVES = 3
const ACCEPT = 'application/json'
const root = '/ws/v1/cluster'

export function createResourceManagers(
  options: {
    readonly name: string
    readonly urls: readonly string[]
    readonly query: Readonly<Record<string, string>>
  },
  { http, logger }: { readonly http: Http; readonly logger: Logger },
): ResourceManagers {
  const { name, urls } = options
  let active: { readonly url: string; readonly clusterId: number | undefined } | undefined
  let lastActive: string | undefined
  /** Those that let a time-out pass: asked after the others, until they answer. */
  const late = new Set<string>()

  function inOrder(): readonly string[] {
    const rank = (url: string): number =>
      url === active?.url ? 0 : (late.has(url) ? 3 : 1) + (url === lastActive ? 0 : 1)
    return urls.toSorted((one, other) => rank(one) - rank(other))
  }

  async function get<T>(
    url: string,
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
    read: (answer: Answer) => Promise<T>,
  ): Promise<T> {
    const target = new URL(`${url}${root}${path}`)
    target.search = new URLSearchParams({ ...query, ...options.query }).toString()
    const value = await http.get(target, { accept: ACCEPT, signal }, read)
    late.delete(url)
    return value
  }

  /** When it became active. */
  async function expectActive(url: string, signal: AbortSignal): Promise<number | undefined> {
    const outcome = await get(url, '/info', {}, signal, (answer) =>
      judge(answer, async () => clusterInfo.safeParse(jsonOf(await textOf(answer, MOST_INFO_BYTES)))),
    )
    if (outcome.kind !== 'value') throw new UnavailableError(outcome.why)
    if (!outcome.value.success) throw new DecodeError('no "haState" in what it says about itself')
    const { haState, id } = outcome.value.data.clusterInfo
    if (haState !== 'ACTIVE') throw new UnavailableError(haState)
    return id
  }

  async function askOne<T>(
    url: string,
    path: string,
    query: Readonly<Record<string, string>>,
    read: (answer: Answer) => Promise<Told<T>>,
    signal: AbortSignal,
  ): Promise<Outcome<Told<T>>> {
    let clusterId = url === active?.url ? active.clusterId : await expectActive(url, signal)
    for (let again = MOST_LIVES; again > 0; again--) {
      const outcome = await get(url, path, query, signal, (answer) => judge(answer, () => read(answer)))
      const before = clusterId
      if (!isProven(outcome, clusterId)) clusterId = await expectActive(url, signal)
      if (clusterId !== before) continue
      found(url, clusterId)
      return outcome
    }
    throw new UnavailableError('it becomes active again and again')
  }

  function found(url: string, clusterId: number | undefined): void {
    active = { url, clusterId }
    if (url === lastActive) return
    const fields = { cluster: name, resourceManager: shownUrl(url), before: lastActive && shownUrl(lastActive) }
    if (urls.length > 1) logger.info(fields, 'Found the active ResourceManager')
    lastActive = url
  }

  async function ask<T>(
    path: string,
    query: Readonly<Record<string, string>>,
    read: (answer: Answer) => Promise<Told<T>>,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const said: string[] = []
    const failures: UnavailableError[] = []
    for (const url of inOrder()) {
      let outcome: Outcome<Told<T>>
      try {
        outcome = await askOne(url, path, query, read, signal)
      } catch (error) {
        if (signal.aborted || !(error instanceof UnavailableError || error instanceof DecodeError)) throw error
        if (active?.url === url) active = undefined
        if (error instanceof UnavailableError) {
          if (error.timedOut) late.add(url)
          failures.push(error)
        }
        said.push(`${shownUrl(url)}: ${describeError(error)}`)
        continue
      }
      if (outcome.kind === 'refused')
        throw new UnavailableError(`Ask YARN "${name}" at ${shownUrl(url)}: ${outcome.why}`)
      return outcome.kind === 'value' ? outcome.value.value : undefined
    }
    // What each said is in the message; one of them as the cause would only be said twice.
    throw new UnavailableError(`Ask YARN "${name}": no ResourceManager is active (${said.join('; ')})`, {
      timedOut: failures.length === said.length && failures.every(({ timedOut }) => timedOut),
      denied: failures.some(({ denied }) => denied),
    })
  }

  return { ask }
}

type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'absent' | 'refused'; readonly why: string }

function isProven<T>(outcome: Outcome<Told<T>>, clusterId: number | undefined): boolean {
  if (outcome.kind !== 'value') return outcome.kind === 'refused'
  const told = outcome.value.clusterId
  return told === 'none needed' || (told !== undefined && told === clusterId)
}

/** Who is not active redirects, or answers 200 with a text: only JSON counts. */
async function judge<T>(answer: Answer, read: () => Promise<T>): Promise<Outcome<T>> {
  const { status, mediaType, location } = answer
  const isJson = mediaType === 'application/json'
  if (status === 200 && isJson) return { kind: 'value', value: await read() }
  if (location !== undefined) throw new UnavailableError(`HTTP ${status} to ${JSON.stringify(location.slice(0, 200))}`)
  const text = await startOf(answer)
  const exception = isJson ? remoteException.safeParse(jsonOf(text)).data?.RemoteException : undefined
  if (exception !== undefined && status === 404) return { kind: 'absent', why: exception.message }
  if (exception !== undefined && status === 400) return { kind: 'refused', why: `HTTP 400, ${exception.message}` }
  const words = JSON.stringify(text.replaceAll(/\s+/g, ' ').trim().slice(0, 120))
  throw new UnavailableError(`HTTP ${status}, ${mediaType || 'no content type'}, expected JSON: ${words}`)
}
