import { expect, it } from 'vitest'
import { explainTargetRoute } from '../../src/http/explain-target.ts'
import { Refusal } from '../../src/http/route.ts'
import { hashOf } from '../../src/model/text-hash.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import type { TargetReport } from '../../src/targets/target-report.ts'
import { fakeClock } from '../fakes/clock.ts'
import { ask, textOf } from '../fakes/http.ts'
import { registration, target } from '../targets/samples.ts'

const id = 'payments/orders/taskmanager/tm-1'
const params = { namespace: 'payments', app: 'orders', role: 'taskmanager', instance: 'tm-1' }
const nothing: TargetReport = { quarantined: [], departures: [] }
const at = Date.UTC(2026, 0, 2, 3, 4, 5)

async function explain(report: TargetReport | undefined, query = '', waitingFor?: string) {
  const route = explainTargetRoute({
    explain: (asked) => (asked === id ? report : undefined),
    gate: () => (waitingFor === undefined ? { isOpen: true } : { isOpen: false, waitingFor, retryAfterSeconds: 1 }),
  })
  const response = await ask(route, `/sd/v1/explain/${id}${query}`, { params })
  return { status: response.status, body: JSON.parse(await textOf(response)) }
}

it('explains who is listed, and in which slices', async () => {
  const facts = { kind: 'flink-tm', flinkCluster: 'prod a' }
  const report: TargetReport = {
    ...nothing,
    target: target({ facts }),
    since: at,
    leaseLeftMs: 22_100,
    probe: { at, verdict: 'same', why: 'its page still says "tm_id=a"', learnt: 'tm_id=a', identity: 'tm_id=a' },
  }

  const { status, body } = await explain(report, '?of=4')

  expect(status).toBe(200)
  expect(body).toMatchObject({
    id,
    listed: true,
    state: 'listed',
    why: 'its lease lasts for 23 s more',
    since: '2026-01-02T03:04:05.000Z',
    lease_left_seconds: 23,
    slices: ['namespace=payments', 'kind=flink-tm', 'flink_cluster=prod%20a', `shard=${hashOf(id) % 4}&of=4`],
    probe: { at: '2026-01-02T03:04:05.000Z', verdict: 'same', why: 'its page still says "tm_id=a"', learnt: 'tm_id=a' },
    recently_left: [],
    registration: { address: '10.0.0.7:9250', incarnation: '1', kind: 'flink-tm' },
  })
  expect(body).not.toHaveProperty('list')
})

const lost = { at, why: 'no sign of life for 30 s', leavesInMs: 12_000 }

it.each<[string, TargetReport, object]>([
  [
    'another replica',
    { ...nothing, target: target(), holder: 'b' },
    { listed: true, state: 'listed', why: 'the replica "b" keeps its znode', holder: 'b' },
  ],
  [
    'a lost lease',
    { ...nothing, target: target({}, 'lingering'), lost },
    {
      listed: true,
      state: 'lingering',
      why: 'no sign of life for 30 s; it leaves in 12 s unless it is heard again',
      lost: { at: '2026-01-02T03:04:05.000Z', leaves_in_seconds: 12 },
    },
  ],
  [
    'a mass loss',
    { ...nothing, target: target({}, 'held'), lost: { ...lost, heldAt: at } },
    {
      listed: true,
      state: 'held',
      why: 'no sign of life for 30 s; it is held because so many were lost at once, for 12 s more at most',
      lost: { held_at: '2026-01-02T03:04:05.000Z' },
    },
  ],
  [
    'an address that another one has',
    { ...nothing, target: target(), coveredBy: 'a/b/c/d' },
    { listed: false, state: 'covered', why: '"a/b/c/d" is listed at its address' },
  ],
  [
    'what Prometheus would refuse',
    { ...nothing, target: target({ labels: { 'a-b': 'x' } }) },
    { listed: false, state: 'quarantined', why: 'Prometheus would refuse it: "a-b" cannot be part of a label name' },
  ],
  [
    'a bad znode',
    { ...nothing, quarantined: [{ where: '/targets/x', why: 'it is empty' }] },
    {
      listed: false,
      state: 'quarantined',
      why: 'it is empty',
      quarantined: [{ where: '/targets/x', why: 'it is empty' }],
    },
  ],
  [
    'an eviction',
    { ...nothing, evicted: { incarnation: '1', by: 'a/b/c/d' } },
    {
      listed: false,
      state: 'absent',
      why: '"a/b/c/d" has its address now',
      evicted: { incarnation: '1', by: 'a/b/c/d' },
    },
  ],
  [
    'an end',
    { ...nothing, departures: [{ id, incarnation: '1', address: '10.0.0.7:9250', at, why: 'its end was announced' }] },
    {
      listed: false,
      state: 'absent',
      why: 'it left: its end was announced',
      recently_left: [
        { at: '2026-01-02T03:04:05.000Z', why: 'its end was announced', incarnation: '1', address: '10.0.0.7:9250' },
      ],
    },
  ],
])('explains %s', async (_, report, expected) => {
  const { status, body } = await explain(report)

  expect(status).toBe(200)
  expect(body).toMatchObject(expected)
})

it('says that the list is not shown yet', async () => {
  expect((await explain({ ...nothing, target: target() }, '', 'first view of registry')).body).toMatchObject({
    list: 'not shown yet: waiting for first view of registry',
  })
})

it('does not know whom it never heard of, and says when it does not know anybody yet', async () => {
  expect((await explain(nothing)).status).toBe(404)
  await expect(explain(undefined)).rejects.toMatchObject({ status: 503 })
})

it('refuses what is no id and what is no number of shards', async () => {
  const route = explainTargetRoute({ explain: () => nothing, gate: () => ({ isOpen: true }) })

  await expect(
    (async () => ask(route, '/sd/v1/explain/x', { params: { ...params, role: '' } }))(),
  ).rejects.toBeInstanceOf(Refusal)
  await expect(explain(nothing, '?of=0')).rejects.toMatchObject({ status: 400 })
  await expect(explain(nothing, '?shard=1')).rejects.toMatchObject({ status: 400 })
})

it('tells the whole way of one registration', async () => {
  const clock = fakeClock()
  const stop = new AbortController()
  const registry = createEmbeddedRegistry({ storagePath: undefined }, { clock, logger: silentLogger })
  const done = registry.run(stop.signal)
  await expect.poll(() => registry.view()).toBeDefined()
  const route = explainTargetRoute({ explain: registry.explain, gate: () => ({ isOpen: true }) })
  const look = async () => {
    const response = await ask(route, `/sd/v1/explain/${id}`, { params })
    const { state, why } = JSON.parse(await textOf(response))
    return [response.status, state, why]
  }

  expect((await look())[0]).toBe(404)
  await registry.put([registration()], AbortSignal.timeout(10_000))
  expect(await look()).toEqual([200, 'listed', 'its lease lasts for 30 s more'])
  await clock.advance(40_000)
  expect(await look()).toEqual([
    200,
    'lingering',
    'no sign of life for 30 s; it leaves in 50 s unless it is heard again',
  ])
  await clock.advance(52_000)
  await expect.poll(look).toEqual([200, 'absent', 'it left: no sign of life for 30 s; it lingered for 60 s'])

  stop.abort()
  await done
})
