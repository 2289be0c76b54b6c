import type { ConnectionOptions } from 'node:tls'
import { DecodeError, describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { createOperations } from '../runtime/operations.ts'
import type { ApplicationFilter, YarnApplication, YarnAttempt, YarnContainer, YarnNode } from './application.ts'
import { filterQuery, isWanted } from './application-filter.ts'
import { createCredentials, type YarnAuth } from './credentials.ts'
import { type Answer, createHttp } from './http.ts'
import { jsonOf, type ListReading, readList, textOf } from './read-answer.ts'
import {
  clusterIdOf,
  hostAndPort,
  isApplicationId,
  readApplication,
  readAttempt,
  readContainer,
  readNode,
} from './records.ts'
import { createResourceManagers, type Told } from './resource-managers.ts'

/** Hears, as a sentence, of each record that could not be read: it is not in the result. */
type LeftOut = (sentence: string) => void

/** A YARN cluster over the REST of its ResourceManagers, of which one is active. Reads only. */
export interface YarnCluster {
  readonly name: string
  /**
   * One request to the active ResourceManager, and what finding that out costs. Shortly after another has become active
   * what runs may be in state ACCEPTED and without an address.
   *
   * @throws UnavailableError when no ResourceManager is active; it says what each answered
   */
  applications(filter: ApplicationFilter, signal: AbortSignal, leftOut?: LeftOut): Promise<readonly YarnApplication[]>
  /** Undefined when the ResourceManager does not know it (any more). */
  application(id: string, signal: AbortSignal): Promise<YarnApplication | undefined>
  /** Empty when the ResourceManager does not know the application. */
  attempts(id: string, signal: AbortSignal, leftOut?: LeftOut): Promise<readonly YarnAttempt[]>
  /** Those that are lost are not among them. */
  nodes(signal: AbortSignal, leftOut?: LeftOut): Promise<readonly YarnNode[]>
  /**
   * Asks the NodeManager itself.
   *
   * @throws UnavailableError when it does not answer, or has no address
   */
  containers(node: YarnNode, signal: AbortSignal, leftOut?: LeftOut): Promise<readonly YarnContainer[]>
  close(): void
}

export interface YarnOptions {
  readonly name: string
  /** Of every ResourceManager, such as `http://rm1:8088`; a path is kept, for gateways. */
  readonly resourceManagers: readonly string[]
  /** For each request to each ResourceManager or NodeManager; default 10 s. */
  readonly timeoutMs?: number
  readonly auth?: YarnAuth
  readonly tls?: ConnectionOptions
}

/** Ten thousand applications are 12 MB: 1.2 kB each without, 3.7 kB with what old ResourceManagers cannot leave out. */
const MOST_BYTES = 64 * 1024 * 1024
/** Two thirds of a record, and nothing that we read. ResourceManagers before 3.0 pass over it. */
const deSelects = 'resourceRequests,timeouts,appNodeLabelExpression,amNodeLabelExpression,resourceInfo'

const MOST_RECORD_BYTES = 2 * 1024 * 1024

/** Keeps connections open until `close`. */
export function createYarnCluster(options: YarnOptions, { logger }: { readonly logger: Logger }): YarnCluster {
  const { name, timeoutMs = 10_000, tls = {} } = options
  const urls = options.resourceManagers.map((url) => url.replace(/\/+$/, ''))
  const credentials = createCredentials(options.auth ?? { kind: 'none' })
  const http = createHttp({ timeoutMs, credentials, tls })
  const managers = createResourceManagers({ name, urls, query: credentials.query }, { http, logger })
  const operations = createOperations()
  /** Until it is refused. */
  let canDeselect = true

  async function list<T>(
    path: string,
    reading: Omit<ListReading<T>, 'mostBytes'>,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    const read = async (answer: Answer): Promise<Told<readonly T[]>> => {
      const value = await readList(answer, { ...reading, mostBytes: MOST_BYTES })
      return { value, clusterId: value.length === 0 ? undefined : 'none needed' }
    }
    return (await operations.run(signal, (own) => managers.ask(path, {}, read, own))) ?? []
  }

  async function applications(
    filter: ApplicationFilter,
    signal: AbortSignal,
    leftOut: LeftOut = ignore,
  ): Promise<readonly YarnApplication[]> {
    const read = async (answer: Answer): Promise<Told<readonly YarnApplication[]>> => {
      let clusterId: number | undefined
      const readOne = (json: unknown) => {
        clusterId ??= clusterIdOf(json)
        return readApplication(json)
      }
      const reading = { keys: ['apps', 'app'], read: readOne, leftOut, mostBytes: MOST_BYTES } as const
      const all = await readList(answer, reading)
      return { value: all.filter((application) => isWanted(application, filter)), clusterId }
    }
    const query = { ...filterQuery(filter), ...(canDeselect && { deSelects }) }
    try {
      return (await operations.run(signal, (own) => managers.ask('/apps', query, read, own))) ?? []
    } catch (error) {
      if (!canDeselect || !/: HTTP 400, .*deSelects/.test(describeError(error))) throw error
      canDeselect = false
      return applications(filter, signal, leftOut)
    }
  }

  async function application(id: string, signal: AbortSignal): Promise<YarnApplication | undefined> {
    if (!isApplicationId(id)) return undefined
    const read = async (answer: Answer) => appOf(jsonOf(await textOf(answer, MOST_RECORD_BYTES)))
    return operations.run(signal, (own) => managers.ask(`/apps/${id}`, {}, read, own))
  }

  async function containers(
    node: YarnNode,
    signal: AbortSignal,
    leftOut: LeftOut = ignore,
  ): Promise<readonly YarnContainer[]> {
    const what = `Ask node "${node.id}" of YARN "${name}"`
    const address = hostAndPort(node.httpAddress)
    if (address === undefined) throw new UnavailableError(`${what}: it has no address (state ${node.state})`)
    // All servers of a cluster speak HTTPS, or none does.
    const scheme = urls[0]?.startsWith('https:') ? 'https' : 'http'
    const url = new URL(`${scheme}://${address}/ws/v1/node/containers`)
    url.search = new URLSearchParams(credentials.query).toString()
    const keys = ['containers', 'container'] as const
    try {
      // Some NodeManagers answer 500 to those who want nothing but JSON.
      return await operations.run(signal, (own) =>
        http.get(url, { accept: '*/*', signal: own }, async (answer) => {
          if (answer.status !== 200) throw new UnavailableError(`HTTP ${answer.status}`)
          return readList(answer, { keys, read: readContainer, leftOut, mostBytes: MOST_BYTES })
        }),
      )
    } catch (error) {
      if (error instanceof UnavailableError) {
        const { timedOut, denied } = error
        throw new UnavailableError(`${what} at ${url.origin}`, { cause: error, timedOut, denied })
      }
      if (error instanceof DecodeError) throw new UnavailableError(`${what} at ${url.origin}`, { cause: error })
      throw error
    }
  }

  return {
    name,
    applications,
    application,
    attempts: async (id, signal, leftOut = ignore) => {
      if (!isApplicationId(id)) return []
      const reading = { keys: ['appAttempts', 'appAttempt'], read: readAttempt, leftOut } as const
      return list(`/apps/${id}/appattempts`, reading, signal)
    },
    nodes: (signal, leftOut = ignore) =>
      list('/nodes', { keys: ['nodes', 'node'], read: readNode, leftOut } as const, signal),
    containers,
    close: () => {
      operations.end(new UnavailableError(`Ask YARN "${name}": we stopped asking`))
      http.close()
    },
  }
}

function ignore(): void {}

/** The only record of an answer: a bad one is no answer. */
function appOf(json: unknown): Told<YarnApplication> {
  const app = typeof json === 'object' && json !== null && 'app' in json ? json.app : undefined
  const read = readApplication(app)
  if ('bad' in read) throw new DecodeError(`no application: ${read.bad}`)
  return { value: read.value, clusterId: clusterIdOf(app) }
}
