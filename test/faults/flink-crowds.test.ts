import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FlinkSimulatedWorld, oneJob, openFlinkSimulatedWorld } from './flink-simulated-world.ts'
import type { Attack, Change, HostileGate } from './hostile-gate.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

let world: FlinkSimulatedWorld

beforeAll(async () => {
  world = await openFlinkSimulatedWorld()
  await world.isRight('healthy')
  await world.isRight('victim')
})

afterAll(async () => {
  await world?.[Symbol.asyncDispose]()
  await removeTemporaryFolders()
})

/** Adds elements in front of those of a list, such as `app` in `{"apps":{"app":[…]}}`. */
const withMore =
  (list: string, elements: string): Change =>
  (body) =>
    body.replace(new RegExp(`("${list}":\\[)(?=.)`), (start) => `${start}${elements},`)

const pass =
  (change: Change): Attack =>
  (exchange) =>
    exchange.pass(change)

function applications(count: number, more: (index: number) => Readonly<Record<string, unknown>>): string {
  const record = (index: number) => ({
    id: `application_1700000000000_${String(index + 1).padStart(4, '0')}`,
    name: `crowd-${index}`,
    user: 'crowd',
    queue: 'root.crowd',
    state: 'RUNNING',
    applicationType: 'Apache Flink',
    startedTime: 1_700_000_000_000,
    trackingUrl: 'http://127.0.0.1:1/proxy/',
    ...more(index),
  })
  return Array.from({ length: count }, (_, index) => JSON.stringify(record(index))).join(',')
}

function jobs(count: number, more: (index: number) => Readonly<Record<string, unknown>> = () => ({})): string {
  const record = (index: number) => ({
    jid: index.toString(16).padStart(32, 'c'),
    name: `crowd-${index}`,
    state: 'RUNNING',
    'start-time': 1_700_000_000_000,
    'end-time': -1,
    'last-modification': 1_700_000_000_000,
    ...more(index),
  })
  return Array.from({ length: count }, (_, index) => JSON.stringify(record(index))).join(',')
}

interface Crowd {
  readonly name: string
  readonly gates: () => readonly HostileGate[]
  readonly which: RegExp
  readonly attack: () => Attack
  /** It is refused as a whole, or in part, and counted. */
  readonly isCounted?: true
  readonly lastsMs?: number
  readonly mostMoreMb?: number
}

const list = /^\/ws\/v1\/cluster\/apps\?/
const manager = () => [world.resourceManager]
/** The proxy of its ResourceManager is another way to it. */
const jobManager = () => [world.jobManager, world.resourceManager]

/** A plan whose vertices read from each other and themselves, from vertices that there are not, and twice. */
const cyclic: Change = (body) => {
  const json = JSON.parse(body)
  const nodes: { id: string; inputs?: unknown }[] = json.plan.nodes
  for (const node of nodes) node.inputs = [...nodes, ...nodes, { id: 'nowhere' }].map(({ id }) => ({ id, num: 0 }))
  return JSON.stringify(json)
}

const crowds: readonly Crowd[] = [
  {
    name: '10,000 applications of other types',
    gates: manager,
    which: list,
    attack: () =>
      pass(
        withMore(
          'app',
          applications(10_000, () => ({ applicationType: 'SPARK' })),
        ),
      ),
  },
  {
    name: '10,000 applications whose JobManagers are dead',
    gates: manager,
    which: list,
    attack: () =>
      pass(
        withMore(
          'app',
          applications(10_000, () => ({ amRPCAddress: '127.0.0.1:1' })),
        ),
      ),
    isCounted: true,
    lastsMs: 15_000,
    mostMoreMb: 400,
  },
  {
    name: 'a million applications',
    gates: manager,
    which: list,
    attack: () => {
      const some = applications(1_000, () => ({}))
      return async ({ response }) => {
        response.writeHead(200, { 'Content-Type': 'application/json' })
        response.write('{"apps":{"app":[{}')
        for (let index = 0; index < 1_000 && !response.destroyed; index++)
          if (!response.write(`,${some}`)) await sleep(5)
        response.end(']}}')
      }
    },
    isCounted: true,
  },
  {
    name: 'one application 5,000 times',
    gates: manager,
    which: list,
    attack: () =>
      pass(
        withMore(
          'app',
          applications(5_000, () => ({ id: 'application_1700000000000_0001', amRPCAddress: '127.0.0.1:1' })),
        ),
      ),
    isCounted: true,
  },
  {
    name: 'applications with every record wrong in a way of its own',
    gates: manager,
    which: list,
    attack: () =>
      pass(
        withMore(
          'app',
          applications(200, (index) => ({
            ...[
              { id: null },
              { id: 7 },
              { id: 'application_../../x_0001' },
              { state: { a: 1 } },
              { state: 'RUNNING\r\n' },
              { amRPCAddress: {} },
              { amRPCAddress: 'a'.repeat(100_000) },
              { trackingUrl: [] },
              { startedTime: '9223372036854775807' },
              { applicationTags: {} },
              { name: null, user: null, queue: null },
            ][index % 11],
          })),
        ),
      ),
  },
  {
    name: '60,000 jobs, more than an answer may be long',
    gates: jobManager,
    which: /\/jobs\/overview$/,
    attack: () => {
      const text = jobs(60_000)
      return pass(withMore('jobs', text))
    },
    isCounted: true,
  },
  {
    name: 'one job 2,000 times',
    gates: jobManager,
    which: /\/jobs\/overview$/,
    attack: () =>
      pass(
        withMore(
          'jobs',
          jobs(2_000, () => ({ jid: 'a'.repeat(32), state: 'FINISHED' })),
        ),
      ),
    isCounted: true,
  },
  {
    name: '20,000 TaskManagers that there are not',
    gates: jobManager,
    which: /\/taskmanagers$/,
    attack: () => {
      const id = (index: number) =>
        world.yarns.victim.world.applications[0]?.application.id.replace('application', 'container') +
        `_01_9${String(index).padStart(5, '0')}`
      const many = Array.from({ length: 20_000 }, (_, index) =>
        JSON.stringify({ id: id(index), path: `pekko.tcp://flink@10.99.0.${index % 250}:1/user/rpc/t` }),
      ).join(',')
      return pass(withMore('taskmanagers', many))
    },
    lastsMs: 10_000,
    mostMoreMb: 300,
  },
  {
    name: 'a plan that goes round',
    gates: jobManager,
    which: /\/jobs\/[0-9a-f]{32}$/,
    attack: () => pass(cyclic),
  },
]

describe('faults of class T: crowds', () => {
  it.each(crowds)('T08 $name', async ({ gates: gatesOf, which, attack, isCounted, lastsMs = 4_000, mostMoreMb }) => {
    const gates = gatesOf()
    const attacked = () => gates.reduce((sum, gate) => sum + gate.attacked(), 0)
    const before = { errors: await world.errors('yarn', 'victim'), attacked: attacked() }
    const observed = await world.observe(mostMoreMb === undefined ? {} : { mostMoreMb })
    for (const gate of gates) gate.attack(attack(), which)
    try {
      await eventually('an attack', 40_000, async () => attacked() > before.attacked)
      await sleep(lastsMs)
      await world.follows('healthy')
      await world.follows('victim', 60_000)
      if (isCounted) expect(await world.errors('yarn', 'victim')).toBeGreaterThan(before.errors)
    } finally {
      for (const gate of gates) gate.attack(undefined)
    }
    injected(attacked() > before.attacked, 'nobody asked')
    await world.isRight('victim', 60_000)
    // Jobs that were there are missed for a day, as they should be; applications go.
    if (gatesOf === manager)
      await eventually('nothing of it to be left', 30_000, async () => {
        return !(await world.text('/api/v1/jobs')).includes('crowd-')
      })
    await observed.end()
  })
})

describe('faults of class T: a session with 1,000 jobs', () => {
  it('T08 1,000 jobs in one session are all known, and all lags are true', async () => {
    const count = 1_000
    const session = oneJob('crowded', 'orders', 1)
    const [job] = session.jobs
    if (job === undefined) throw new Error('a plan without a job')
    await using crowded = await openFlinkSimulatedWorld({
      victim: [
        {
          ...session,
          slots: count,
          jobs: Array.from({ length: count }, (_, index) => ({ ...job, name: `crowded-${index}` })),
        },
      ],
    })
    await crowded.isRight('healthy')
    await crowded.isRight('victim', 60_000)
    const observed = await crowded.observe({ mostMoreMb: 200 })
    await crowded.follows('healthy')
    await crowded.follows('victim', 30_000)
    const { jobs: known } = JSON.parse(await crowded.text('/api/v1/jobs?flink_cluster=victim'))
    expect(known).toHaveLength(count)
    await observed.end()
  })
})
