import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { forwardHeartbeats, isReplica, type Peer, replicaHeartbeatsRoute } from '../../src/http/forward.ts'
import { registrationBatchRoutes } from '../../src/http/registration-batches.ts'
import { type RegistrationStore, registrationRoutes } from '../../src/http/registrations.ts'
import type { Heartbeat } from '../../src/model/registration.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { startServer } from '../fakes/http-server.ts'
import { listenOnLoopback } from '../fakes/listen.ts'
import { jsonRequest, routeDeps } from './registration-world.ts'

const signal = AbortSignal.timeout(600_000)
const idOf = (instance: string) => `payments/orders/taskmanager/${instance}`

/** Knows these ids, and writes down what it was asked. */
function storeOf(...known: string[]) {
  const asked: (readonly Heartbeat[])[] = []
  const ids = new Set(known)
  const store: RegistrationStore = {
    put: async () => [],
    withdraw: async () => 'unknown',
    find: () => undefined,
    renew: async (many) => {
      asked.push(many)
      return many.flatMap(({ id }) => (ids.has(id) ? [] : [id]))
    },
  }
  return { store, asked }
}

/** A replica that has these registrations, behind its own HTTP server. */
async function startReplica(id: string, known: readonly string[], secret = `secret-of-${id}`) {
  const { store, asked } = storeOf(...known)
  const server = await startServer([replicaHeartbeatsRoute({ store, secret: () => secret })])
  const peer: Peer = { id, url: server.url, secret: `secret-of-${id}` }
  return { peer, asked, [Symbol.asyncDispose]: server[Symbol.asyncDispose] }
}

const renewAt = (store: RegistrationStore, ...ids: string[]) =>
  store.renew(
    ids.map((id) => ({ id })),
    signal,
  )

it('sends a heartbeat on to the replica that has the registration, with its incarnation, one or many', async () => {
  await using a = await startReplica('a', [idOf('one'), idOf('two')])
  const mine = storeOf(idOf('mine'))
  const store = forwardHeartbeats(mine.store, {
    holderOf: (id) => (id === idOf('mine') ? undefined : a.peer),
    logger: silentLogger,
  })
  const deps = routeDeps(store)
  await using b = await startServer([...registrationRoutes(deps), ...registrationBatchRoutes(deps)])
  const beat = (instance: string) =>
    fetch(`${b.url}/v1/registrations/payments/orders/taskmanager/${instance}/heartbeat?incarnation=7`, {
      method: 'POST',
    })

  expect((await beat('one')).status).toBe(204)
  expect((await beat('mine')).status).toBe(204)
  expect((await beat('nobody')).status).toBe(404)
  expect(a.asked.flat()).toEqual([
    { id: idOf('one'), incarnation: '7' },
    { id: idOf('nobody'), incarnation: '7' },
  ])

  const batch = [idOf('mine'), { id: idOf('one'), incarnation: '7' }, idOf('nobody'), idOf('two')]
  const answer = await fetch(`${b.url}/v1/heartbeats`, jsonRequest('POST', batch))
  expect([answer.status, await answer.json()]).toEqual([200, { unknown: [idOf('nobody')] }])
})

it('calls each replica once for a batch, whatever the order in it', async () => {
  await using a = await startReplica('a', [idOf('a1'), idOf('a2'), idOf('a3')])
  await using c = await startReplica('c', [idOf('c1'), idOf('c2')])
  const store = forwardHeartbeats(storeOf().store, {
    holderOf: (id) => ({ a: a.peer, c: c.peer })[id.split('/')[3]!.slice(0, 1)],
    logger: silentLogger,
  })

  const unknown = await renewAt(store, ...['a1', 'c1', 'x', 'a2', 'c2', 'c3', 'a3'].map(idOf))

  expect(unknown).toEqual([idOf('x'), idOf('c3')])
  expect(a.asked.map((many) => many.map(({ id }) => id))).toEqual([['a1', 'a2', 'a3'].map(idOf)])
  expect(c.asked.map((many) => many.map(({ id }) => id))).toEqual([['c1', 'c2', 'c3'].map(idOf)])
})

it('sends 12,000 heartbeats on in calls that are not too long', async () => {
  const many = Array.from({ length: 12_000 }, (_, index) => idOf(`tm-${index}`))
  await using a = await startReplica('a', many.slice(0, 11_999))
  const store = forwardHeartbeats(storeOf().store, { holderOf: () => a.peer, logger: silentLogger, deadlineMs: 60_000 })

  expect(await renewAt(store, ...many)).toEqual([idOf('tm-11999')])
  expect(a.asked.map(({ length }) => length).sort()).toEqual([2_000, 5_000, 5_000])
})

it('goes one hop only, even when two replicas take each other for the holder', async () => {
  const stores = [storeOf(), storeOf()]
  const peers: Peer[] = []
  const replicas = stores.map(({ store }, index) => ({
    store: forwardHeartbeats(store, { holderOf: () => peers[1 - index], logger: silentLogger }),
    route: replicaHeartbeatsRoute({ store, secret: () => 's' }),
  }))
  await using first = await startServer([replicas[0]!.route])
  await using second = await startServer([replicas[1]!.route])
  peers.push({ id: 'first', url: first.url, secret: 's' }, { id: 'second', url: second.url, secret: 's' })

  expect(await renewAt(replicas[0]!.store, idOf('x'))).toEqual([idOf('x')])
  expect(stores.map(({ asked }) => asked.length)).toEqual([1, 1])
})

it('is not taken for a replica without the secret of the one that is called', async () => {
  await using a = await startReplica('a', [idOf('one')], 'of-another-life')
  const store = forwardHeartbeats(storeOf().store, { holderOf: () => a.peer, logger: silentLogger })

  expect(await renewAt(store, idOf('one'))).toEqual([idOf('one')])
  expect(a.asked).toEqual([])

  const route = replicaHeartbeatsRoute({ store: storeOf(idOf('one')).store, secret: () => undefined })
  await using alone = await startServer([route])
  const url = `${alone.url}/v1/replicas/heartbeats`
  const headers = { 'content-type': 'application/json', authorization: 'Bearer undefined' }
  expect((await fetch(url, { method: 'POST', headers, body: '[]' })).status).toBe(403)
  expect((await fetch(url, jsonRequest('POST', []))).status).toBe(403)
  expect([isReplica('Bearer s', 's'), isReplica('Bearer s', 't'), isReplica('s', 's')]).toEqual([true, false, false])
})

it('answers 400 to a replica that sends something else than heartbeats', async () => {
  await using a = await startReplica('a', [])
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${a.peer.secret}` }
  for (const body of ['[1]', '[{}]', '[{"id":"x","incarnation":7}]', '{}', 'null', '['])
    expect((await fetch(`${a.peer.url}/v1/replicas/heartbeats`, { method: 'POST', headers, body })).status, body).toBe(
      400,
    )
  expect(a.asked).toEqual([])
})

it.each([
  ['an error', 500, {}, '{}'],
  ['another form', 200, {}, '{"unknown":[]}'],
  ['fewer than were sent', 200, {}, '{"received":0,"unknown":[]}'],
  ['ids that are none', 200, {}, '{"received":1,"unknown":[1]}'],
  ['no JSON', 200, {}, '<html>'],
  ['nothing', 200, {}, ''],
  ['more than it was asked', 200, {}, `{"received":1,"unknown":[],"more":"${'x'.repeat(5_000)}"}`],
  ['somewhere else', 307, { Location: '/elsewhere' }, '{"received":1,"unknown":[]}'],
])('takes %s for no answer, and follows nobody', async (_, status, headers, body) => {
  const paths: (string | undefined)[] = []
  const server = createServer((incoming, outgoing) => {
    paths.push(incoming.url)
    incoming.resume()
    outgoing.writeHead(incoming.url === '/elsewhere' ? 200 : status, headers)
    outgoing.end(body)
  })
  const { url, close } = await listenOnLoopback(server)
  const peer = { id: 'a', url: `${url}/`, secret: 's' }
  const store = forwardHeartbeats(storeOf().store, { holderOf: () => peer, logger: silentLogger })

  expect(await renewAt(store, idOf('one'))).toEqual([idOf('one')])
  expect(paths).toEqual(['/v1/replicas/heartbeats'])
  await close()
})

it('gives up on a replica that does not answer, and on one that is gone', async () => {
  const silent = await listenOnLoopback(createServer(() => undefined))
  const peers = [silent.url, 'http://127.0.0.1:1', 'http://no such host']
  for (const url of peers) {
    const store = forwardHeartbeats(storeOf().store, {
      holderOf: () => ({ id: 'a', url, secret: 's' }),
      logger: silentLogger,
      deadlineMs: 60,
    })
    expect(await renewAt(store, idOf('one')), url).toEqual([idOf('one')])
  }
  await silent.close()
})

it('opens no more than a few connections to a replica that hangs, however many heartbeats there are', async () => {
  let connections = 0
  const silent = await listenOnLoopback(createServer(() => undefined).on('connection', () => connections++))
  const store = forwardHeartbeats(storeOf().store, {
    holderOf: () => ({ id: 'a', url: silent.url, secret: 's' }),
    logger: silentLogger,
    deadlineMs: 300,
  })

  const many = Array.from({ length: 100 }, (_, index) => renewAt(store, idOf(`${index}`)))

  expect((await Promise.all(many)).flat()).toHaveLength(100)
  // 8 at a time; what waits may still open one when those before it are over.
  expect(connections).toBeLessThanOrEqual(50)
  await silent.close()
})

it('uses one connection again, and another one when that was closed meanwhile', async () => {
  let connections = 0
  const server = createServer((incoming, outgoing) => {
    incoming.resume()
    outgoing.end('{"received":1,"unknown":[]}')
  })
  const { url, close } = await listenOnLoopback(server.on('connection', () => connections++))
  const store = forwardHeartbeats(storeOf().store, {
    holderOf: () => ({ id: 'a', url, secret: 's' }),
    logger: silentLogger,
  })

  expect(await renewAt(store, idOf('one'))).toEqual([])
  expect(await renewAt(store, idOf('one'))).toEqual([])
  expect(connections).toBe(1)
  server.closeAllConnections()
  expect(await renewAt(store, idOf('one'))).toEqual([])
  expect(connections).toBe(2)
  await close()
})

it('says once that heartbeats are not forwarded, and once that they are again', async () => {
  const lines: string[] = []
  const note = (_: object, message: string): void => void lines.push(message)
  const logger: Logger = { ...silentLogger, warn: note, info: note }
  await using a = await startReplica('a', [idOf('one')])
  let peer: Peer = { ...a.peer, secret: 'wrong' }
  const store = forwardHeartbeats(storeOf().store, { holderOf: () => peer, logger })

  await renewAt(store, idOf('one'))
  await renewAt(store, idOf('one'))
  peer = a.peer
  await renewAt(store, idOf('one'))
  await renewAt(store, idOf('one'))

  expect(lines).toEqual(['Heartbeats not forwarded', 'Heartbeats are forwarded again'])
})

it('says that the outcome is uncertain when our own store cannot tell, and calls nobody', async () => {
  await using a = await startReplica('a', [idOf('one')])
  const store = forwardHeartbeats(
    { ...storeOf().store, renew: () => Promise.reject(new UnavailableError('not read yet')) },
    { holderOf: () => a.peer, logger: silentLogger },
  )

  await expect(renewAt(store, idOf('one'))).rejects.toThrow(UnavailableError)
  expect(a.asked).toEqual([])
})
