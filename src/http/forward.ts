import { timingSafeEqual } from 'node:crypto'
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Heartbeat } from '../model/registration.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { DecodeError, describeError, UnavailableError } from '../runtime/errors.ts'
import type { Logger } from '../runtime/logger.ts'
import { membersOf } from '../targets/field-problem.ts'
import { type RegistrationStore, retryLater } from './registrations.ts'
import { readJsonList, readJsonText } from './request-body.ts'
import { json, Refusal, type Route } from './route.ts'
import { digestOf } from './tokens.ts'

/** Another replica, as it is called. */
export interface Peer {
  readonly id: string
  /** `http://host:port`, or with https. */
  readonly url: string
  /** By which it knows that a call comes from a replica. */
  readonly secret: string
}

export interface ForwardDeps {
  /** The replica that has a registration which we have not; undefined when there is none that can be called. */
  readonly holderOf: (id: string) => Peer | undefined
  readonly logger: Logger
  /** Of one call, a wait for a connection included; 2,000 by default, and longer with more heartbeats. */
  readonly deadlineMs?: number
}

const path = '/v1/replicas/heartbeats'
const mostBodyBytes = 8 * 1024 * 1024
const mostPerCall = 5_000
/** Of a deadline, for each heartbeat of a batch: fifty thousand take a loaded machine two seconds. */
const msPerHeartbeat = 0.1
/** To one replica: one that hangs must not cost us a socket for each heartbeat. */
const sockets = { keepAlive: true, maxSockets: 8 }

/**
 * A store whose heartbeats also reach registrations that another replica has: those are sent on, once, all for one
 * replica together. Where that comes to nothing the id is unknown, so that its owner registers again, here: a heartbeat
 * is never taken for received when the lease may not have been extended.
 */
export function forwardHeartbeats(store: RegistrationStore, deps: ForwardDeps): RegistrationStore {
  const { holderOf, logger, deadlineMs = 2_000 } = deps
  const agents: Agents = { http: new HttpAgent(sockets), https: new HttpsAgent(sockets) }
  const failing = new Set<string>()

  async function call({ peer, heartbeats }: CallBatch, ms: number, signal: AbortSignal): Promise<readonly string[]> {
    const { id, url } = peer
    try {
      const unknown = await withDeadline(`Forward heartbeats to "${url}"`, ms, signal, (both) =>
        send(peer, heartbeats, agents, both),
      )
      if (failing.delete(id)) logger.info({ replica: id, url }, 'Heartbeats are forwarded again')
      return unknown
    } catch (error) {
      signal.throwIfAborted()
      if (!failing.has(id)) logger.warn({ replica: id, url, error: describeError(error) }, 'Heartbeats not forwarded')
      failing.add(id)
      return heartbeats.map((one) => one.id)
    }
  }

  return {
    ...store,
    renew: async (many, signal) => {
      const unknown = await store.renew(many, signal)
      if (unknown.length === 0) return unknown
      const batches = batchesOf(many, new Set(unknown), holderOf)
      if (batches.length === 0) return unknown
      const reached = new Set(batches.flatMap(({ heartbeats }) => heartbeats.map(({ id }) => id)))
      const ms = deadlineMs + msPerHeartbeat * unknown.length
      const refused = await Promise.all(batches.map((batch) => call(batch, ms, signal)))
      for (const id of refused.flat()) reached.delete(id)
      return unknown.filter((id) => !reached.has(id))
    },
  }
}

export interface ReplicaHeartbeatsDeps {
  /** Ours itself: what comes from a replica is not sent on to a third. */
  readonly store: Pick<RegistrationStore, 'renew'>
  /** What a replica must know; undefined while there are no others. */
  readonly secret: () => string | undefined
}

/** Where other replicas send heartbeats of registrations that we have. It extends leases and does nothing else. */
export function replicaHeartbeatsRoute({ store, secret }: ReplicaHeartbeatsDeps): Route {
  return {
    method: 'POST',
    path,
    handle: (request) =>
      retryLater(async () => {
        if (!isReplica(request.headers['authorization'], secret()))
          throw new Refusal(403, 'Heartbeats of replicas: expected the secret of this replica as a bearer token')
        const heartbeats: Heartbeat[] = []
        for await (const item of readJsonList(await readJsonText(request, mostBodyBytes)))
          heartbeats.push(readHeartbeat(item))
        const unknown = await store.renew(heartbeats, request.signal)
        return json(200, { received: heartbeats.length, unknown })
      }),
  }
}

/** True for an `Authorization` header with the secret of this replica, which the other replicas know. */
export function isReplica(authorization: string | undefined, secret: string | undefined): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  return given !== undefined && secret !== undefined && timingSafeEqual(digestOf(given), digestOf(secret))
}

/** @throws DecodeError when it is no `{"id", "incarnation"?}` */
function readHeartbeat(item: unknown): Heartbeat {
  const { id, incarnation } = membersOf(item) ?? {}
  if (typeof id === 'string' && incarnation === undefined) return { id }
  if (typeof id === 'string' && typeof incarnation === 'string') return { id, incarnation }
  throw new DecodeError('Read heartbeats of a replica: expected objects with the texts id and incarnation')
}

interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

interface CallBatch {
  readonly peer: Peer
  readonly heartbeats: Heartbeat[]
}

function batchesOf(
  many: readonly Heartbeat[],
  unknown: ReadonlySet<string>,
  holderOf: ForwardDeps['holderOf'],
): readonly CallBatch[] {
  const batches: CallBatch[] = []
  const open = new Map<string, CallBatch>()
  for (const heartbeat of many) {
    const peer = unknown.has(heartbeat.id) ? holderOf(heartbeat.id) : undefined
    if (peer === undefined) continue
    let batch = open.get(peer.id)
    if (batch === undefined || batch.heartbeats.length >= mostPerCall) {
      batch = { peer, heartbeats: [] }
      open.set(peer.id, batch)
      batches.push(batch)
    }
    batch.heartbeats.push(heartbeat)
  }
  return batches
}

/** Resolves with the ids that the other replica does not know either. Redirects are answers like any other: wrong ones. */
async function send(
  peer: Peer,
  heartbeats: readonly Heartbeat[],
  agents: Agents,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const body = Buffer.from(JSON.stringify(heartbeats))
  const response = await post(() => open(peer, agents, signal), body, signal)
  try {
    if (response.statusCode !== 200) throw new UnavailableError(`it answers ${response.statusCode}, expected 200`)
    // The unknown ones are among those that were sent.
    const answer = readAnswer(await readText(response, body.length + 1_024))
    if (answer?.received !== heartbeats.length)
      throw new DecodeError(`it took ${answer?.received ?? 'nothing'}, expected ${heartbeats.length} heartbeats`)
    return answer.unknown
  } finally {
    response.destroy()
  }
}

async function post(make: () => ClientRequest, body: Buffer, signal: AbortSignal): Promise<IncomingMessage> {
  for (;;) {
    const request = make()
    try {
      return await new Promise((resolve, reject) => {
        request.once('response', resolve)
        request.on('error', reject)
        request.end(body)
      })
    } catch (error) {
      // It closed an idle connection just when we took it; what is said twice is the same.
      if (!request.reusedSocket || signal.aborted) throw error
    }
  }
}

function open({ url, secret }: Peer, agents: Agents, signal: AbortSignal): ClientRequest {
  const to = new URL(`${url.replace(/\/+$/, '')}${path}`)
  const headers = {
    'Content-Type': 'application/json',
    Authorization: `Bearer ${secret}`,
    'User-Agent': 'lagkeeper-replica',
  }
  const options = { method: 'POST', headers, signal }
  return to.protocol === 'https:'
    ? requestHttps(to, { ...options, agent: agents.https })
    : requestHttp(to, { ...options, agent: agents.http })
}

async function readText(response: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue
    bytes += chunk.length
    if (bytes > mostBytes) throw new DecodeError(`its answer is longer than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function readAnswer(text: string): { readonly received: number; readonly unknown: readonly string[] } | undefined {
  try {
    const { received, unknown } = membersOf(JSON.parse(text)) ?? {}
    if (typeof received !== 'number' || !Array.isArray(unknown)) return undefined
    const ids = unknown.filter((id) => typeof id === 'string')
    return ids.length === unknown.length ? { received, unknown: ids } : undefined
  } catch {
    return undefined
  }
}
