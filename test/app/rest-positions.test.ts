import { expect, it } from 'vitest'
import { createFlinkDiscovery } from '../../src/app/flink-discovery.ts'
import { jobRules } from '../../src/app/job-rules.ts'
import { createJobService } from '../../src/app/job-service.ts'
import { createKafkaService, type KafkaService } from '../../src/app/kafka-service.ts'
import { configSchema } from '../../src/app/schema.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { loadConfig } from '../../src/config/load.ts'
import { heldIndex, isFresh } from '../../src/model/snapshot.ts'
import { createEmbeddedRegistry } from '../../src/registry/embedded.ts'
import { type Clock, systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { sqlVertices } from '../../src/simulator/flink-plan.ts'
import { endOf } from '../../src/simulator/flink-splits.ts'
import { createFlinkWorld, type FlinkWorld } from '../../src/simulator/flink-world.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import type { KafkaState } from '../../src/simulator/kafka-state.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { createSimulatedYarn } from '../../src/simulator/simulated-yarn.ts'
import { createAddressGuard } from '../../src/targets/address-guard.ts'

const logger = silentLogger

/** Time that passes eight times as fast. */
const clock: Clock = {
  monotonic: () => systemClock.monotonic() * 8,
  wall: systemClock.wall,
  sleep: (ms, signal) => systemClock.sleep(ms / 8, signal),
}

/** Three jobs that are held up at so many records a second; of the first two no process has a reporter. */
async function begin(state: KafkaState) {
  state.createTopic('ods.orders-v1', 4)
  for (let partition = 0; partition < 4; partition++) state.append('ods.orders-v1', partition, 10_000)
  const world = createFlinkWorld(state, { now: Date.now, random: seededRandom(2) })
  for (const [name, version, reporter] of [
    ['mute', '1.20.5', 'none'],
    ['passed-over', '2.2.1', 'class'],
    ['heard', '1.20.5', 'factory'],
  ] as const) {
    const pipeline = { table: 'orders', topics: ['ods.orders-v1'], sink: 'sums', parallelism: 2, recordsPerSecond: 37 }
    world.submit({ name, version, reporter, slots: 1, jobs: [{ name, vertices: sqlVertices(pipeline) }] })
  }
  const simulated = await createSimulatedYarn(world, { reporterPorts: 8 })
  for (let second = 0; second < 9; second++) await simulated.tick()
  return { world, simulated }
}

/** Lags by partition: the ends of the log less what the sources have emitted. */
function truth(world: FlinkWorld, state: KafkaState, jobName: string): Readonly<Record<number, number>> {
  const lags: Record<number, number> = {}
  for (const { subtasks } of world.find(jobName).job.vertices)
    for (const { splits } of subtasks)
      for (const { topic, partition, position } of splits) lags[partition] = endOf(state, topic, partition) - position
  return lags
}

/** Fresh lags of a consumer in the last snapshot, by partition. */
function told(service: KafkaService, consumer: string): Readonly<Record<number, number | string>> {
  const rows: Record<number, number | string> = {}
  for (const part of service.current()?.parts ?? []) {
    const { batch } = part
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      if (batch.consumers[batch.blockConsumer[block]!]!.name !== consumer) continue
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++)
        rows[batch.partition[row]!] = isFresh(part, row)
          ? part.lag[row]!
          : `${heldIndex(part, row) >= 0 ? 'held' : 'none'} ${part.reason[row]}`
    }
  }
  return rows
}

it('jobs whose processes have no reporter have their true positions, by way of their JobManagers', async () => {
  await using kafka = await createKafkaCluster({ version: '3.9' })
  const { world, simulated } = await begin(kafka.state)
  const text = `
kafka: [ { name: main, bootstrap: [ "${kafka.bootstrap.join('", "')}" ], interval: 4s } ]
yarn: [ { name: prod, resource_managers: [ "${simulated.resourceManagers.join('", "')}" ], interval: 4s, request_timeout: 30s } ]
`
  const config = loadConfig(configSchema, { text, env: {} })
  const registry = createEmbeddedRegistry({ storagePath: undefined }, { clock, logger })
  const flink = createFlinkDiscovery({
    registry,
    views: () => [registry.view()],
    owns: () => true,
    guard: createAddressGuard([]),
    resolve: async () => [],
    pageIntervalMs: 8_000,
    onNews: () => service.hurry(),
    observer: { source: () => undefined, forgetSource: () => undefined },
    clock,
    logger,
  })
  const jobs = createJobService({
    board: flink.board,
    poller: flink.poller,
    rules: () => jobRules(config.yarn),
    kafka: () => [service],
    kafkaClusterOf: () => 'main',
    isRead: flink.isRead,
    hasLooked: flink.hasLooked,
    staleMs: 24_000,
    clock,
  })
  const service = createKafkaService(config.kafka[0]!, {
    clock,
    logger,
    observer: silentObserver,
    objectives: () => [],
    statusWindowMs: 600_000,
    flink: {
      pages: () => flink.poller.pages().values(),
      failures: () => flink.poller.failures().values(),
      restGauges: flink.restGauges,
      jobs: jobs.flinkJobs,
      kafkaClusterOf: () => 'main',
      mayBeElsewhere: jobs.mayBeElsewhere,
      staleMs: 24_000,
    },
    onSnapshot: () => undefined,
    onStopped: () => undefined,
  })
  const stop = new AbortController()
  const all = [registry, ...flink.services(config), jobs, service]
  const done = Promise.all(all.map(({ run }) => run(stop.signal)))
  const agree = async (name: string) => {
    const expected = truth(world, kafka.state, name)
    expect(Object.keys(expected)).toHaveLength(4)
    await expect.poll(() => told(service, `prod/${name}`), { timeout: 20_000, interval: 200 }).toEqual(expected)
  }

  await agree('heard')
  await agree('mute')
  await agree('passed-over')
  expect(truth(world, kafka.state, 'mute')[0]).toBe(10_000 - 9 * 37)
  expect(new Set(flink.restGauges().map(({ applicationId }) => applicationId)).size).toBe(2)
  const trace = await service.trace('prod/mute', 'ods.orders-v1', 0)
  expect(trace?.gauges[0]?.page).toMatch(/\/jobs\/[0-9a-f]{32}\/vertices\/[0-9a-f]{32}\/metrics$/)

  kafka.state.append('ods.orders-v1', 2, 500)
  for (let second = 0; second < 5; second++) await simulated.tick()
  await agree('mute')

  stop.abort()
  await done
  await simulated.close()
}, 60_000)
