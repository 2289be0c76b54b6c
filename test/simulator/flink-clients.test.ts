import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filterLabel } from '../../src/flink/filter-label.ts'
import { createFlinkRest } from '../../src/flink/flink-rest.ts'
import { createPageParser } from '../../src/flink/parse-page.ts'
import type { Job } from '../../src/model/job.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import type { FlinkJob } from '../../src/simulator/flink-job.ts'
import { sqlVertices } from '../../src/simulator/flink-plan.ts'
import { createFlinkWorld, type FlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { createSimulatedYarn, type SimulatedYarn } from '../../src/simulator/simulated-yarn.ts'
import { createYarnCluster, type YarnCluster } from '../../src/yarn/yarn-cluster.ts'

const signal = AbortSignal.timeout(60_000)

/** A world in which much has happened. */
function eventfulWorld(): FlinkWorld {
  const kafka = createKafkaState('4.3', [1], seededRandom(1))
  kafka.createTopic('ods.orders-v1', 6)
  kafka.createTopic('pay_events', 2)
  for (let partition = 0; partition < 6; partition++) kafka.append('ods.orders-v1', partition, 30_000)
  for (let partition = 0; partition < 2; partition++) kafka.append('pay_events', partition, 500)
  const world = createFlinkWorld(kafka, { now: Date.now, random: seededRandom(2) })
  world.submit({
    name: 'orders <etl> & co',
    version: '1.20.5',
    slots: 2,
    queue: 'root.stream',
    tags: ['team-a'],
    jobs: [
      {
        name: 'orders.etl-v1',
        vertices: sqlVertices({
          table: 'orders',
          topics: ['ods.orders-v1'],
          sink: 'sums',
          groupBy: 'city',
          parallelism: 4,
          group: 'etl',
          recordsPerSecond: 900,
        }),
        checkpointSeconds: 5,
      },
    ],
  })
  world.submit({
    name: 'session',
    version: '2.2.1',
    jobs: [
      {
        name: 'dup+disconnected',
        vertices: sqlVertices(
          { table: 'pay_a', topics: ['pay_events'], sink: 'v1' },
          { table: 'pay_b', topics: ['pay_events'], sink: 'v2', groupBy: 'city' },
        ),
        checkpointSeconds: 3,
      },
      {
        name: 'unsaved',
        vertices: sqlVertices({ table: 'pay', topics: ['pay_events'], sink: 'void', startsBehind: 0 }),
      },
      {
        name: 'blind',
        vertices: sqlVertices({ table: 'pay', topics: ['pay_events'], sink: 'void' }),
        checkpointSeconds: 3,
        disablesMetrics: true,
      },
    ],
  })
  return world
}

describe('What our own clients read of a simulated world', () => {
  let world: FlinkWorld
  let simulated: SimulatedYarn
  let yarn: YarnCluster

  beforeAll(async () => {
    world = eventfulWorld()
    simulated = await createSimulatedYarn(world)
    yarn = createYarnCluster({ name: 'sim', resourceManagers: simulated.resourceManagers }, { logger: silentLogger })
    for (let second = 0; second < 12; second++) await simulated.tick()
  })
  afterAll(async () => {
    yarn.close()
    await simulated.close()
  })

  async function lookAll() {
    const applications = await yarn.applications({ states: ['RUNNING'] }, signal)
    return Promise.all(
      applications.map(async (application) => {
        const rest = createFlinkRest(
          { url: `http://${application.amRpcAddress}` },
          { clock: systemClock, logger: silentLogger },
        )
        try {
          const look = await rest.look({ flinkCluster: 'sim' }, signal)
          const ports = new Map<string, number | undefined>()
          for (const { id } of look.taskManagers) ports.set(id, await rest.reporterPort(id, signal))
          ports.set('jobmanager', await rest.reporterPort('jobmanager', signal))
          return { application, look, ports }
        } finally {
          rest.close()
        }
      }),
    )
  }

  async function readPage(port: number | undefined, query = '') {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics${query}`)
    const parser = createPageParser((text) => text)
    parser.push(Buffer.from(await answer.arrayBuffer()))
    return parser.end()
  }

  /** What the gauges of one job must be, subtask by subtask. */
  function gaugesOf(job: FlinkJob): readonly string[] {
    return job.vertices
      .flatMap(({ id, subtasks }) =>
        subtasks.flatMap(({ index, attempt, splits }) =>
          splits.map(({ topic, partition, position, hasEmitted, committed }) =>
            [id, index, attempt, filterLabel(topic), partition, hasEmitted ? position - 1 : -1, committed ?? -1].join(),
          ),
        ),
      )
      .sort()
  }

  async function readGauges(job: Job, ports: ReadonlyMap<string, number | undefined>): Promise<readonly string[]> {
    const found: string[] = []
    for (const [process, port] of ports) {
      if (process === 'jobmanager') continue
      const page = await readPage(port)
      expect([page.tmId, page.badLines]).toEqual([filterLabel(process), 0])
      for (const { operator, topic, partition, current, committed } of page.partitions)
        if (operator.jobId === job.id)
          found.push([operator.taskId, operator.subtask, operator.attempt, topic, partition, current, committed].join())
    }
    return found.sort()
  }

  it('has every application, attempt, container and reporter', async () => {
    const found = await lookAll()
    expect(found.map(({ application }) => application.name).sort()).toEqual(['orders <etl> & co', 'session'])
    const [node] = await yarn.nodes(signal)
    const containers = await yarn.containers(node!, signal)
    const living = world.processes()
    expect(containers.map(({ id }) => id).sort()).toEqual(living.map(({ process }) => process.id).sort())
    for (const { application, look, ports } of found) {
      const running = world.applications.find((one) => one.application.id === application.id)
      const processes = living.filter(({ cluster }) => cluster === running?.cluster).map(({ process }) => process)
      expect(look.version).toBe(running?.cluster?.version)
      expect(look.unread).toEqual([])
      expect(look.taskManagers.map(({ id }) => id)).toEqual(
        processes.filter(({ kind }) => kind === 'taskmanager').map(({ id }) => id),
      )
      expect(look.reporters).toEqual([
        { name: 'prom', configuredBy: 'factory', filtersLabels: true, port: simulated.reporterPorts.join(',') },
      ])
      for (const { kind, id, reporterPort } of processes)
        expect(ports.get(kind === 'jobmanager' ? kind : id)).toBe(reporterPort)
      const [attempt] = await yarn.attempts(application.id, signal)
      expect(attempt).toMatchObject({ number: 1, containerId: processes[0]?.id })
      expect((await yarn.application(application.id, signal))?.trackingUrl).toMatch(/\/proxy\/application_/)
      const rest = createFlinkRest({ url: application.trackingUrl ?? '' }, { clock: systemClock, logger: silentLogger })
      expect((await rest.look({ flinkCluster: 'sim' }, signal)).jobs.map(({ id }) => id)).toEqual(
        look.jobs.map(({ id }) => id),
      )
      rest.close()
    }
  })

  it('has every job with its plan, checkpoints and gauges, on pages as well as over REST', async () => {
    const found = await lookAll()
    for (const { application, look, ports } of found) {
      const { cluster } = world.applications.find((one) => one.application.id === application.id)!
      expect(look.jobs.map(({ id }) => id)).toEqual(cluster?.jobs.map(({ id }) => id))
      for (const job of look.jobs) {
        const truth = cluster!.jobs.find(({ id }) => id === job.id)!
        const { plan, checkpoints } = truth
        expect(job.unread).toEqual([])
        expect(job).toMatchObject({ name: plan.name, state: 'RUNNING', startedAt: truth.startedAt, restarts: 0 })
        expect(job.plan.map(({ description }) => description)).toEqual(
          plan.vertices.map(({ description }) => description),
        )
        expect(job.vertices.map(({ name, parallelism }) => ({ name, parallelism }))).toEqual(
          plan.vertices.map(({ name, parallelism }) => ({ name, parallelism })),
        )
        const { completed, failed } = checkpoints
        expect(job.checkpoints).toEqual({
          completed,
          failed,
          inProgress: 0,
          restored: 0,
          ...(plan.checkpointSeconds === undefined
            ? {}
            : { intervalMs: plan.checkpointSeconds * 1_000, lastCompletedAt: checkpoints.lastCompleted?.at }),
        })
        const truths = plan.disablesMetrics === true ? [] : gaugesOf(truth)
        expect(await readGauges(job, ports)).toEqual(truths)
        if (plan.disablesMetrics !== true) expect(truths.length).toBeGreaterThan(0)
      }
    }
  })

  it('has the gauges of a source over REST under the names that Flink gives them', async () => {
    const { cluster, job } = world.find('orders.etl-v1')
    const rest = createFlinkRest(
      { url: `http://127.0.0.1:${cluster.jobManager.restPort}` },
      { clock: systemClock, logger: silentLogger },
    )
    const [vertex] = job.vertices
    const values = await rest.vertexMetrics(job.id, vertex!.id, (id) => id.endsWith('currentOffset'), signal)
    rest.close()
    const truth = vertex!.subtasks.flatMap(({ index, splits }) =>
      splits.map(({ partition, position }): [string, number] => [
        `${index}.Source__orders[1].KafkaSourceReader.topic.ods_orders-v1.partition.${partition}.currentOffset`,
        position - 1,
      ]),
    )
    expect(new Map(values)).toEqual(new Map(truth))
  })

  it('gives single families to who asks for them', async () => {
    const { job } = world.find('orders.etl-v1')
    const port = job.vertices[0]?.subtasks[0]?.taskManager?.reporterPort
    const whole = await readPage(port)
    const part = await readPage(
      port,
      '?name[]=flink_taskmanager_job_task_operator_KafkaSourceReader_topic_partition_currentOffset',
    )
    expect(part.bytes).toBeLessThan(whole.bytes / 2)
    expect(part.partitions.map(({ current }) => current)).toEqual(whole.partitions.map(({ current }) => current))
  })
})
