import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listenOnLoopback } from '../fakes/listen.ts'

export interface Reply {
  readonly status?: number
  /** Default `application/json`. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** What a ResourceManager of the test says to a path with query; `hang` says nothing for ever. */
export type Script = (path: string, request: IncomingMessage) => Reply | 'hang' | Promise<Reply | 'hang'>

export interface FakeManager extends AsyncDisposable {
  readonly url: string
  /** Paths with query that were asked for, in order. */
  readonly asked: string[]
  /** Whether a path without query was asked for; forgets it all. */
  takeAsked(): readonly string[]
  become(script: Script): void
}

/** A server that answers as its script says. */
export async function startFakeManager(script: Script): Promise<FakeManager> {
  let current = script
  const asked: string[] = []
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    asked.push(path)
    const reply = await current(path, request)
    if (reply === 'hang') return
    response.writeHead(reply.status ?? 200, { 'content-type': reply.type ?? 'application/json', ...reply.headers })
    response.end(reply.body)
  }
  const server = createServer((request, response) => void answer(request, response))
  const { url, close } = await listenOnLoopback(server)
  return {
    url,
    asked,
    takeAsked: () => asked.splice(0).map((path) => path.split('?')[0] ?? ''),
    become: (next) => {
      current = next
    },
    [Symbol.asyncDispose]: close,
  }
}

export const infoPath = '/ws/v1/cluster/info'
export const appsPath = '/ws/v1/cluster/apps'

/** When it became active, as it says itself and in every record. */
const firstLife = 1_795_527_177_854

export function info(haState: string, clusterId = firstLife): Reply {
  return { body: JSON.stringify({ clusterInfo: { id: clusterId, haState, state: 'STARTED' } }) }
}

/** Active as it says itself, and otherwise as the script says. */
export function active(script: Script, clusterId = firstLife): Script {
  return (path, request) => (path.startsWith(infoPath) ? info('ACTIVE', clusterId) : script(path, request))
}

/** Active, with these applications. */
export function activeWith(...applications: readonly unknown[]): Script {
  return active(() => ({ body: JSON.stringify({ apps: { app: applications } }) }))
}

/** Standby, and points to the other one as a standby of 3.4 does. */
export function standbyOf(other: string): Script {
  return (path) =>
    path.startsWith(infoPath)
      ? info('STANDBY')
      : {
          status: 307,
          type: 'text/plain',
          headers: { location: `${other}${path}` },
          body: `This is standby RM. The redirect url is: ${path}`,
        }
}

export function appRecord(number: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: `application_1795527177854_${String(number).padStart(4, '0')}`,
    user: 'rig',
    name: `etl-${number}`,
    queue: 'stream',
    state: 'RUNNING',
    finalStatus: 'UNDEFINED',
    applicationType: 'Apache Flink',
    applicationTags: '',
    amRPCAddress: `node${number}.internal:45235`,
    trackingUrl: `http://localhost:20088/proxy/application_1795527177854_${String(number).padStart(4, '0')}/`,
    startedTime: 1_795_527_194_186,
    finishedTime: 0,
    diagnostics: '',
    clusterId: firstLife,
    ...more,
  }
}
