import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replicaHeartbeatsRoute } from '../../src/http/forward.ts'
import { startServer } from '../fakes/http-server.ts'
import { type RunningDaemon, startDaemon, whenReady } from '../loads/start-daemon.ts'
import { type Exchange, readOpenApi } from './openapi-file.ts'
import { schemaProblems } from './openapi-schema.ts'
import { jsonRequest } from './registration-world.ts'

const file = readOpenApi()
let daemon: RunningDaemon

beforeAll(async () => {
  daemon = await startDaemon([])
  await whenReady(daemon)
})
afterAll(() => daemon?.[Symbol.asyncDispose]())

it('has no name without a value, such as a comma in a text without quotes makes', () => {
  const empty = (value: unknown, at: string): readonly string[] =>
    value === null
      ? [at]
      : Object.entries(typeof value === 'object' ? Object(value) : {}).flatMap(([name, one]) =>
          empty(one, `${at}/${name}`),
        )

  expect(empty(file.resolve('#'), '')).toEqual([])
})

/** What the server itself says about its routes: the paths in the hint of a 404, the methods in the Allow of a 405. */
async function routes(): Promise<readonly string[]> {
  const { hint }: { hint: string } = JSON.parse(await (await fetch(`${daemon.url}/no-such-path`)).text())
  const paths = hint.split(' ').filter((word) => word.startsWith('/'))
  const found = await Promise.all(
    paths.map(async (path) => {
      const refused = await fetch(`${daemon.url}${path.replaceAll(/[:*]\w+/g, 'x')}`, { method: 'PATCH' })
      expect(refused.status).toBe(405)
      const allowed = (refused.headers.get('allow') ?? '').split(', ').filter((method) => method !== 'HEAD')
      return allowed.map((method) => `${method} ${path.replaceAll(/[:*](\w+)/g, '{$1}')}`)
    }),
  )
  return found.flat()
}

it('has every route of the running server, and no other', async () => {
  expect([...file.operations].sort()).toEqual([...(await routes())].sort())
})

const one = '/v1/registrations/{namespace}/{app}/{role}/{instance}'
const at = (instance: string, more = '') => `/v1/registrations/payments/Auftr%C3%A4ge/tm/${instance}${more}`
const item = { namespace: 'payments', app: 'orders', role: 'tm', address: '10.1.0.1:9250', incarnation: 1, zone: 'b' }
const whole = {
  address: '10.0.0.7:9250',
  incarnation: 7,
  scheme: 'https',
  metrics_path: '/m',
  params: { a: 'b' },
  labels: { team: 'x' },
  zone: 'eu-1',
  lease_seconds: 60,
  kind: 'flink-tm',
  attempt: 2,
}

/** Operation, status, where, and how: in this order. */
const script: readonly (readonly [string, number, string, RequestInit?])[] = [
  ['GET /', 200, '/'],
  ['GET /console.css', 200, '/console.css'],
  ['GET /metrics', 200, '/metrics?kafka_cluster=demo'],
  ['GET /metrics', 400, '/metrics?names=nobody'],
  ['GET /metrics', 404, '/metrics?kafka_cluster=nowhere'],
  ['GET /metrics/jobs', 200, '/metrics/jobs'],
  ['GET /metrics/self', 200, '/metrics/self'],
  ['GET /-/healthy', 200, '/-/healthy'],
  ['GET /healthz', 200, '/healthz'],
  ['GET /-/ready', 200, '/-/ready'],
  ['GET /readyz', 200, '/readyz'],
  ['POST /-/reload', 200, '/-/reload', { method: 'POST' }],

  ['GET /api/v1/consumers', 200, '/api/v1/consumers'],
  ['GET /api/v1/consumers', 400, '/api/v1/consumers?limit=0'],
  ['GET /api/v1/consumers', 404, '/api/v1/consumers?kafka_cluster=nowhere'],
  ['GET /api/v1/status', 200, '/api/v1/status?limit=2'],
  ['GET /api/v1/status', 400, '/api/v1/status?status=well'],
  ['GET /api/v1/status', 404, '/api/v1/status?kafka_cluster=nowhere'],
  ['GET /api/v1/explain', 200, '/api/v1/explain?consumer=invoice-export&topic=orders&partition=0'],
  ['GET /api/v1/explain', 400, '/api/v1/explain?consumer=invoice-export'],
  ['GET /api/v1/explain', 404, '/api/v1/explain?consumer=nobody&topic=orders&partition=0'],
  ['GET /api/v1/explain', 404, '/api/v1/explain?consumer=invoice-export&topic=orders&partition=999'],

  ['GET /jobs', 200, '/jobs'],
  ['GET /jobs', 400, '/jobs?finding=everything'],
  ['GET /jobs', 404, '/jobs?flink_cluster=nowhere'],
  ['GET /api/v1/jobs', 200, '/api/v1/jobs'],
  ['GET /api/v1/jobs', 400, '/api/v1/jobs?finding=everything'],
  ['GET /api/v1/jobs', 404, '/api/v1/jobs?flink_cluster=nowhere'],

  [`PUT ${one}`, 200, at('tm-1'), jsonRequest('PUT', whole)],
  [`PUT ${one}`, 200, at('tm-1'), jsonRequest('PUT', { ...whole, incarnation: 'a-word' })],
  [`PUT ${one}`, 400, at('tm-1'), { ...jsonRequest('PUT', {}), body: '{' }],
  [`PUT ${one}`, 409, at('tm-1'), jsonRequest('PUT', whole)],
  [`PUT ${one}`, 413, at('tm-1'), jsonRequest('PUT', { a: 'x'.repeat(70_000) })],
  [`PUT ${one}`, 415, at('tm-1'), { method: 'PUT', body: 'x' }],
  [`PUT ${one}`, 422, at('tm-1'), jsonRequest('PUT', { address: 'x', labels: { job: 'y' } })],
  [`GET ${one}`, 200, at('tm-1')],
  [`GET ${one}`, 404, at('tm-2')],
  [`GET ${one}`, 422, at('%20')],
  [`POST ${one}/heartbeat`, 204, at('tm-1', '/heartbeat?incarnation=a-word'), { method: 'POST' }],
  [`POST ${one}/heartbeat`, 404, at('tm-1', '/heartbeat?incarnation=another'), { method: 'POST' }],
  [`POST ${one}/heartbeat`, 422, at('%20', '/heartbeat'), { method: 'POST' }],
  [`DELETE ${one}`, 409, at('tm-1', '?incarnation=7'), { method: 'DELETE' }],
  [`DELETE ${one}`, 204, at('tm-1', '?incarnation=a-word'), { method: 'DELETE' }],
  [`DELETE ${one}`, 422, at('%20'), { method: 'DELETE' }],

  ['PUT /v1/registrations', 200, '/v1/registrations', jsonRequest('PUT', [{ ...item, instance: 'a', incarnation: 2 }])],
  ['PUT /v1/registrations', 200, '/v1/registrations', jsonRequest('PUT', [])],
  ['PUT /v1/registrations', 400, '/v1/registrations', jsonRequest('PUT', {})],
  ['PUT /v1/registrations', 409, '/v1/registrations', jsonRequest('PUT', [{ ...item, instance: 'a' }])],
  ['PUT /v1/registrations', 413, '/v1/registrations', jsonRequest('PUT', ['x'.repeat(9_000_000)])],
  ['PUT /v1/registrations', 415, '/v1/registrations', { method: 'PUT', body: '[]' }],
  ['PUT /v1/registrations', 422, '/v1/registrations', jsonRequest('PUT', [{ ...item, instance: 'a' }, item, 7])],
  ['POST /v1/heartbeats', 200, '/v1/heartbeats', jsonRequest('POST', ['payments/orders/tm/a', 'a/b/c/d'])],
  ['POST /v1/heartbeats', 400, '/v1/heartbeats', { ...jsonRequest('POST', []), body: '[' }],
  ['POST /v1/heartbeats', 413, '/v1/heartbeats', jsonRequest('POST', ['x'.repeat(9_000_000)])],
  ['POST /v1/heartbeats', 415, '/v1/heartbeats', { method: 'POST', body: '[]' }],
  ['POST /v1/heartbeats', 422, '/v1/heartbeats', jsonRequest('POST', [{ id: 'a' }])],

  ['GET /sd/v1/targets', 200, '/sd/v1/targets'],
  ['GET /sd/v1/targets', 304, '/sd/v1/targets', { headers: { 'If-None-Match': '*' } }],
  ['GET /sd/v1/targets', 400, '/sd/v1/targets?shard=1'],
  ['GET /sd/v1/explain/{namespace}/{app}/{role}/{instance}', 200, '/sd/v1/explain/payments/orders/tm/a?of=3'],
  ['GET /sd/v1/explain/{namespace}/{app}/{role}/{instance}', 200, '/sd/v1/explain/payments/Auftr%C3%A4ge/tm/tm-1'],
  ['GET /sd/v1/explain/{namespace}/{app}/{role}/{instance}', 400, '/sd/v1/explain/payments/orders/tm/a?of=0'],
  ['GET /sd/v1/explain/{namespace}/{app}/{role}/{instance}', 404, '/sd/v1/explain/payments/orders/tm/nobody'],
  ['GET /sd/v1/explain/{namespace}/{app}/{role}/{instance}', 422, '/sd/v1/explain/payments/orders/tm/%20'],
  ['POST /v1/held/release', 200, '/v1/held/release', jsonRequest('POST', { all: true })],
  ['POST /v1/held/release', 400, '/v1/held/release', { ...jsonRequest('POST', {}), body: '{' }],
  ['POST /v1/held/release', 413, '/v1/held/release', jsonRequest('POST', { ids: ['x'.repeat(2_000_000)] })],
  ['POST /v1/held/release', 415, '/v1/held/release', { method: 'POST', body: '{}' }],
  ['POST /v1/held/release', 422, '/v1/held/release', jsonRequest('POST', { ids: ['a'] })],
]

/** The route for replicas as one of several has it; a daemon that is alone lets nobody in. */
const fromReplica = (secret: string, init: RequestInit): RequestInit => ({
  ...init,
  headers: { ...init.headers, Authorization: `Bearer ${secret}` },
})
const replicaScript: typeof script = [
  ['POST /v1/replicas/heartbeats', 403, '', fromReplica('wrong', jsonRequest('POST', []))],
  [
    'POST /v1/replicas/heartbeats',
    200,
    '',
    fromReplica('s', jsonRequest('POST', [{ id: 'a/b/c/d', incarnation: '1' }])),
  ],
  ['POST /v1/replicas/heartbeats', 400, '', fromReplica('s', jsonRequest('POST', [{}]))],
  ['POST /v1/replicas/heartbeats', 413, '', fromReplica('s', jsonRequest('POST', ['x'.repeat(9_000_000)]))],
  ['POST /v1/replicas/heartbeats', 415, '', fromReplica('s', { method: 'POST', body: '[]' })],
]

/** What a daemon of loopback that is well does not answer: refusals to others, and waiting for what is not there yet. */
const elsewhere = new Set(['401', '408', '403', '429', '500', '503'])

describe('the answers of the running server', () => {
  const seen: Exchange[] = []
  const whole = [...script, ...replicaScript]

  beforeAll(async () => {
    const store = { renew: async () => ['a/b/c/d'] }
    await using replica = await startServer([replicaHeartbeatsRoute({ store, secret: () => 's' })])
    const asked = [
      ...script.map((entry) => [entry, `${daemon.url}${entry[2]}`] as const),
      ...replicaScript.map((entry) => [entry, `${replica.url}/v1/replicas/heartbeats`] as const),
    ]
    for (const [[operation, , , init], url] of asked) {
      const { status, headers, text } = await ask(url, init)
      seen.push({ operation, status, headers, text })
    }
  })

  async function ask(url: string, init?: RequestInit) {
    const answer = await fetch(url, init ?? {})
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  }

  it('have the statuses that the script is about', () => {
    expect(seen.map(({ operation, status }, index) => `${index} ${operation} ${status}`)).toEqual(
      whole.map(([operation, status], index) => `${index} ${operation} ${status}`),
    )
  })

  it.each(whole.map(([operation, status, path], index) => [operation, status, path.slice(0, 60), index] as const))(
    'are as the file says: %s %i at %s',
    (_operation, _status, _path, index) => {
      expect(file.problems(seen[index]!)).toEqual([])
    },
  )

  it('are all that the file promises', () => {
    const provoked = new Set(seen.map(({ operation, status }) => `${operation} ${status}`))
    const missing = file.answers.filter((one) => !provoked.has(one) && !elsewhere.has(one.split(' ').at(-1) ?? ''))

    expect(missing).toEqual([])
  })

  it('would be found out if they were different', () => {
    const put = seen.find(({ operation }) => operation === `PUT ${one}`)!
    const body = JSON.parse(put.text)
    const changed = (more: object): Exchange => ({ ...put, text: JSON.stringify({ ...body, ...more }) })

    expect(file.problems({ ...put, status: 201 })).toEqual([`PUT ${one}: status 201 is not in the file`])
    expect(file.problems({ ...put, headers: new Headers({ 'content-type': 'text/plain' }) })).toHaveLength(1)
    expect(file.problems(changed({ lease_seconds: '60' }))).toHaveLength(1)
    expect(file.problems(changed({ more: 1 }))).toEqual(['.more: "more", expected no such member'])
    expect(file.problems(changed({ registration: { ...body.registration, zone: undefined } }))).toHaveLength(1)
    const list = seen.find(({ operation, status }) => operation === 'GET /sd/v1/targets' && status === 200)!
    expect(file.problems({ ...list, headers: new Headers({ 'content-type': 'application/json' }) })).toHaveLength(2)
  })
})

describe('the rules for requests', () => {
  const body = file.schema('RegistrationBody')

  it.each([
    ['address', undefined],
    ['incarnation', 'a/b'],
    ['incarnation', 2 ** 53],
    ['scheme', 'ftp'],
    ['metrics_path', 'x'],
    ['metrics_path', '/a?b'],
    ['labels', { job: 'x' }],
    ['labels', { a: '' }],
    ['user', 'x'.repeat(257)],
    ['labels', { 'a-b': 'x' }],
    ['params', { __a: 'x' }],
    ['zone', '-'],
    ['lease_seconds', 4],
    ['lease_seconds', 3601],
    ['kind', ''],
    ['user', 'a\u202eb'],
    ['nope', 1],
  ])('and the server both refuse %s of %.40j', async (name, value) => {
    const sent = JSON.parse(JSON.stringify({ ...whole, [name]: value }))
    const answer = await fetch(`${daemon.url}${at('rules')}`, jsonRequest('PUT', sent))

    expect(schemaProblems(sent, body, file.resolve)).not.toEqual([])
    expect(answer.status).toBe(422)
  })

  it('and the server both take a whole one', () => {
    expect(schemaProblems(whole, body, file.resolve)).toEqual([])
  })

  it('name no word that the check does not know', () => {
    expect(() => schemaProblems(1, { minimun: 2 }, file.resolve)).toThrow('"minimun": not known')
    expect(() => schemaProblems(1, { $ref: '#/components/schemas/Nope' }, file.resolve)).toThrow('nothing there')
  })
})
