import { createServer, type Server } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { createFlinkMember, createYarnMember, type DiscoverersDeps } from '../../src/app/discoverers.ts'
import { createDiscoveryService } from '../../src/app/discovery-service.ts'
import { flinkSchema } from '../../src/app/flink-schema.ts'
import { createJobBoard } from '../../src/app/job-board.ts'
import { readPageHead } from '../../src/app/page-heads.ts'
import { createRegistrar } from '../../src/app/registrar.ts'
import { yarnSchema } from '../../src/app/yarn-schema.ts'
import { createReporterSearch } from '../../src/discovery/reporter-search.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createAddressGuard } from '../../src/targets/address-guard.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

/** Answers paths, without their queries, with JSON, or with text as it is; 404 for all else. */
async function serve(answers: () => Readonly<Record<string, unknown>>): Promise<number> {
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const answer = answers()[path]
    const isText = typeof answer === 'string'
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': isText ? 'text/plain' : 'application/json' })
    response.end(isText ? answer : JSON.stringify(answer ?? { errors: ['not found'] }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const clock = systemClock
const logger = silentLogger
const jobId = '6dd6937bd92f9e95361f401746b2ffd6'

/** A JobManager with one job and one TaskManager, both with reporters; where REST is. */
async function serveFlink(taskManager: string): Promise<{ readonly rest: number; readonly ports: string }> {
  const tmId = taskManager.replace(/[^a-zA-Z0-9:_]/g, '_')
  const page = await serve(() => ({
    '/metrics': `flink_taskmanager_Status_JVM_CPU_Load{host="h",tm_id="${tmId}",} 0.0\n`,
  }))
  const own = await serve(() => ({
    '/metrics': [
      'flink_jobmanager_numRegisteredTaskManagers{host="h",} 1.0',
      `flink_jobmanager_job_uptime{job_id="${jobId}",host="h",job_name="orders_etl",} 1.0\n`,
    ].join('\n'),
  }))
  const ports = `${page},${own}`
  const job = { jid: jobId, name: 'orders.etl', state: 'RUNNING', 'start-time': 1, 'end-time': -1, duration: 1 }
  const rest = await serve(() => ({
    '/jobs/overview': { jobs: [{ ...job, 'last-modification': 1, tasks: { total: 0 } }] },
    '/taskmanagers': {
      taskmanagers: [{ id: taskManager, path: 'pekko.tcp://flink@127.0.0.1:1/user/rpc/taskmanager_0', slotsNumber: 1 }],
    },
    '/config': { 'flink-version': '1.20.5' },
    '/overview': { 'flink-version': '1.20.5' },
    '/jobmanager/config': [
      {
        key: 'metrics.reporter.prom.factory.class',
        value: 'org.apache.flink.metrics.prometheus.PrometheusReporterFactory',
      },
      { key: 'metrics.reporter.prom.port', value: ports },
    ],
    [`/jobs/${jobId}`]: { ...job, vertices: [], plan: { jid: jobId, name: job.name, nodes: [] } },
  }))
  return { rest, ports }
}

/** Runs a member with registrar and board until `look` is right. */
async function until(
  create: (deps: DiscoverersDeps) => Parameters<typeof createDiscoveryService>[0],
  look: (seen: { targets: readonly (readonly [string, string])[]; jobs: readonly string[] }) => void,
): Promise<void> {
  const registry = createEmbeddedRegistry({ storagePath: undefined }, { clock, logger })
  const guard = createAddressGuard([])
  const resolve = async (host: string) => (host === 'localhost' ? ['127.0.0.1'] : [])
  const search = createReporterSearch({ clock, readHead: readPageHead, resolve, guard })
  const registrar = createRegistrar({ registry, owns: () => true, isAnswering: () => false, clock, logger })
  const board = createJobBoard()
  const member = create({ search, resolve, guard, clock, logger })
  const service = createDiscoveryService(
    member,
    [board.reportOf(member.name), registrar.reportOf(member.name, 1_000)],
    board.scopes,
  )
  const stop = new AbortController()
  const done = Promise.all([registry.run(stop.signal), registrar.run(stop.signal), service.run(stop.signal)])
  try {
    await expect
      .poll(
        () => {
          look({
            targets: (registry.view()?.targets ?? [])
              .map(({ registration: { id, address } }) => [id, address] as const)
              .toSorted(),
            jobs: board.jobs().map(({ name, application }) => `${application?.id ?? ''} ${name}`.trim()),
          })
          return registrar.firstLooks()
        },
        { timeout: 10_000, interval: 100 },
      )
      .toEqual([{ name: member.name, hasLooked: true }])
  } finally {
    stop.abort()
    await done
  }
}

it('makes targets and jobs of a Flink cluster, by its real protocol', async () => {
  const { rest, ports } = await serveFlink('127.0.0.1:1-3771c3')
  const [tmPort, jmPort] = ports.split(',')
  const [config] = flinkSchema.parse([{ name: 'dev', rest: `http://127.0.0.1:${rest}`, interval: '1s' }])

  await until(
    (deps) => createFlinkMember(config!, deps),
    ({ targets, jobs }) => {
      expect(targets).toEqual([
        [`dev/session/jobmanager/127.0.0.1:${rest}`, `127.0.0.1:${jmPort}`],
        ['dev/session/taskmanager/127.0.0.1:1-3771c3', `127.0.0.1:${tmPort}`],
      ])
      expect(jobs).toEqual(['orders.etl'])
    },
  )
})

it('makes targets and jobs of an application on YARN, by its real protocol', async () => {
  const id = 'application_1795527177854_0001'
  const container = 'container_1795527177854_0001_01_00000'
  const { rest, ports } = await serveFlink(`${container}2`)
  const [tmPort, jmPort] = ports.split(',')
  const app = {
    id,
    name: 'etl',
    user: 'ann',
    queue: 'root.stream',
    state: 'RUNNING',
    finalStatus: 'UNDEFINED',
    applicationType: 'Apache Flink',
    applicationTags: 'prod,team-a',
    startedTime: 1,
    finishedTime: 0,
    amRPCAddress: `localhost:${rest}`,
    trackingUrl: `http://rm:8088/proxy/${id}/`,
  }
  const attempt = { id: 1, startTime: 1, containerId: `${container}1`, nodeHttpAddress: 'localhost:8042' }
  const rm = await serve(() => ({
    '/ws/v1/cluster/info': { clusterInfo: { haState: 'ACTIVE', state: 'STARTED' } },
    '/ws/v1/cluster/apps': { apps: { app: [app] } },
    [`/ws/v1/cluster/apps/${id}`]: { app },
    [`/ws/v1/cluster/apps/${id}/appattempts`]: { appAttempts: { appAttempt: [attempt] } },
  }))
  const [config] = yarnSchema.parse([{ name: 'prod', resource_managers: [`http://127.0.0.1:${rm}`], interval: '1s' }])

  await until(
    (deps) => createYarnMember(config!, deps),
    ({ targets, jobs }) => {
      expect(targets).toEqual([
        [`prod/${id}/jobmanager/jobmanager`, `127.0.0.1:${jmPort}`],
        [`prod/${id}/taskmanager/${container}2`, `127.0.0.1:${tmPort}`],
      ])
      expect(jobs).toEqual([`${id} orders.etl`])
    },
  )
})
