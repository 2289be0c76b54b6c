import type { PageHead, ReadHead } from '../../src/discovery/page-head.ts'
import { filterLabel } from '../../src/flink/filter-label.ts'
import type { FlinkRest, ReporterSettings, TaskManager } from '../../src/flink/flink-rest.ts'
import type { Job } from '../../src/model/job.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { UnavailableError } from '../../src/runtime/errors.ts'
import { formatAddress } from '../../src/targets/parse-address.ts'
import type { YarnApplication, YarnAttempt, YarnContainer, YarnNode } from '../../src/yarn/application.ts'
import type { YarnCluster } from '../../src/yarn/yarn-cluster.ts'

/** A JobManager that tests change as they like. */
export interface FakeJobManager {
  url: string
  version: string
  jobs: { id: string; name: string; ended?: boolean }[]
  /** As REST lists them. */
  taskManagers: TaskManager[]
  reporters: ReporterSettings[] | undefined
  logPorts: Map<string, number>
  mood: 'well' | 'down' | 'hung'
}

/** Hosts with pages on their ports, JobManagers by URL, applications by id. */
export interface FlinkWorld {
  /** What answers at `ip:port`. */
  readonly pages: Map<string, PageHead | 'hung'>
  readonly names: Map<string, readonly string[]>
  readonly jobManagers: Map<string, FakeJobManager>
  readonly applications: Map<string, YarnApplication>
  readonly attempts: Map<string, YarnAttempt[]>
  readonly nodes: YarnNode[]
  /** By the address of the NodeManager's web server; one without a state cannot be read. */
  readonly containers: Map<string, readonly YarnContainer[] | 'hung'>
  /** `nodes`, and addresses of NodeManagers, as they were asked. */
  readonly nodeCalls: string[]
  yarnMood: 'well' | 'down' | 'hung' | 'forgetful'
  readonly probes: string[]
  readonly restCalls: string[]
  readonly openClients: Set<string>
  readHead: ReadHead
  createRest: (url: string) => FlinkRest
  yarn: YarnCluster
  resolve: (host: string, signal: AbortSignal) => Promise<readonly string[]>
  jobManager(url: string, overrides?: Partial<FakeJobManager>): FakeJobManager
  /** A TaskManager that lives, is listed, and has its page there. */
  taskManager(jm: FakeJobManager, id: string, host: string, port: number | undefined): void
  jobManagerPage(jm: FakeJobManager, address: string): void
  application(id: string, jm: FakeJobManager, overrides?: Partial<YarnApplication>): void
}

export function flinkWorld(clock: Clock): FlinkWorld {
  const world: FlinkWorld = {
    pages: new Map(),
    names: new Map(),
    jobManagers: new Map(),
    applications: new Map(),
    attempts: new Map(),
    nodes: [],
    containers: new Map(),
    nodeCalls: [],
    yarnMood: 'well',
    probes: [],
    restCalls: [],
    openClients: new Set(),
    readHead: async (address, signal) => {
      world.probes.push(address)
      const page = world.pages.get(address)
      await soon(clock, 1, signal)
      if (signal.aborted) return { kind: 'unknown', why: 'we stopped asking' }
      if (page === 'hung') {
        await soon(clock, 3_000, signal)
        return { kind: 'unknown', why: 'no answer within 3000 ms' }
      }
      return page ?? { kind: 'nobody', why: 'connect ECONNREFUSED' }
    },
    createRest: (url) => fakeRest(world, url, clock),
    yarn: fakeYarn(() => world, clock),
    resolve: async (host) => world.names.get(host) ?? [],
    jobManager: (url, overrides = {}) => {
      const jm: FakeJobManager = {
        url,
        version: '1.20.5',
        jobs: [],
        taskManagers: [],
        reporters: [{ name: 'prom', configuredBy: 'factory', port: '9250-9260', filtersLabels: true }],
        logPorts: new Map(),
        mood: 'well',
        ...overrides,
      }
      world.jobManagers.set(url, jm)
      return jm
    },
    taskManager: (jm, id, host, port) => {
      jm.taskManagers.push({ id, host })
      const ip = world.names.get(host)?.[0] ?? host
      if (port !== undefined) world.pages.set(formatAddress(ip, port), { kind: 'taskmanager', tmId: filterLabel(id) })
    },
    jobManagerPage: (jm, address) => {
      const jobs = jm.jobs.map(({ id, name }) => ({ id, name: filterLabel(name) }))
      world.pages.set(address, { kind: 'jobmanager', jobs, taskManagers: jm.taskManagers.length })
    },
    application: (id, jm, overrides = {}) => {
      world.applications.set(id, {
        id,
        name: id,
        user: 'ann',
        queue: 'root.stream',
        state: 'RUNNING',
        type: 'Apache Flink',
        tags: ['team-a'],
        amRpcAddress: new URL(jm.url).host,
        ...overrides,
      })
      if (!world.attempts.has(id)) world.attempts.set(id, [{ number: 1, containerId: containerOf(id, 1, 1) }])
    },
  }
  return world
}

/** `container_<timestamp>_<application>_<attempt>_<number>` of an application's id. */
export function containerOf(application: string, attempt: number, number: number): string {
  const digits = (value: number, count: number): string => String(value).padStart(count, '0')
  return `${application.replace('application', 'container')}_${digits(attempt, 2)}_${digits(number, 6)}`
}

export function hexId(number: number): string {
  return (number + 1).toString(16).padStart(32, '0')
}

async function soon(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal)
}

async function answer(mood: string, what: string, clock: Clock, signal: AbortSignal): Promise<void> {
  await soon(clock, 5, signal)
  if (mood === 'hung') await clock.sleep(3_600_000, signal)
  signal.throwIfAborted()
  if (mood === 'down') throw new UnavailableError(`${what}: connect ECONNREFUSED`)
}

function fakeRest(world: FlinkWorld, url: string, clock: Clock): FlinkRest {
  world.openClients.add(url)
  const jm = (): FakeJobManager => {
    const found = world.jobManagers.get(url)
    if (found === undefined) throw new UnavailableError(`Read "${url}": connect ECONNREFUSED`)
    return found
  }
  return {
    url,
    look: async ({ flinkCluster, application }, signal) => {
      world.restCalls.push(url)
      await answer(jm().mood, `Read "${url}"`, clock, signal)
      const { version, jobs, taskManagers, reporters } = jm()
      const takenAt = clock.monotonic()
      return {
        version,
        taskManagers: [...taskManagers],
        ...(reporters === undefined ? {} : { reporters }),
        unread: [],
        takenAt,
        jobs: jobs.map(
          ({ id, name, ended }): Job => ({
            flinkCluster,
            id,
            name,
            state: ended ? 'FINISHED' : 'RUNNING',
            startedAt: 1,
            ...(ended && { endedAt: 2 }),
            rest: url,
            ...(application === undefined ? {} : { application }),
            vertices: [],
            plan: [],
            takenAt,
            unread: [],
          }),
        ),
      }
    },
    reporterPort: async (process, signal) => {
      world.restCalls.push(`${url} log ${process}`)
      await answer(jm().mood, `Read the log of ${process}`, clock, signal)
      return jm().logPorts.get(process)
    },
    vertexMetrics: async () => new Map(),
    close: () => {
      world.openClients.delete(url)
    },
  }
}

function fakeYarn(of: () => FlinkWorld, clock: Clock): YarnCluster {
  const ask = (what: string, signal: AbortSignal): Promise<void> => answer(of().yarnMood, what, clock, signal)
  return {
    name: 'prod',
    applications: async ({ states }, signal) => {
      await ask('List applications', signal)
      if (of().yarnMood === 'forgetful') return []
      return [...of().applications.values()].filter(({ state }) => states === undefined || states.includes(state))
    },
    application: async (id, signal) => {
      await ask(`Read ${id}`, signal)
      return of().yarnMood === 'forgetful' ? undefined : of().applications.get(id)
    },
    attempts: async (id, signal) => {
      await ask(`Read the attempts of ${id}`, signal)
      return of().attempts.get(id) ?? []
    },
    nodes: async (signal) => {
      of().nodeCalls.push('nodes')
      await ask('List nodes', signal)
      return [...of().nodes]
    },
    containers: async ({ httpAddress }, signal, leftOut) => {
      of().nodeCalls.push(httpAddress)
      const there = of().containers.get(httpAddress)
      await answer(there === 'hung' ? 'hung' : 'well', `Ask "${httpAddress}"`, clock, signal)
      if (there === undefined || there === 'hung') throw new UnavailableError(`Ask "${httpAddress}": ECONNREFUSED`)
      const good = there.filter(({ state }) => state !== '')
      if (good.length < there.length) leftOut?.('a container has no state')
      return good
    },
    close: () => undefined,
  }
}
