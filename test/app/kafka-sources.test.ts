import { expect, it } from 'vitest'
import { createKafkaService } from '../../src/app/kafka-service.ts'
import { configSchema } from '../../src/app/schema.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { createKafkaCluster } from '../../src/simulator/kafka-cluster.ts'
import { startFakeZookeeper } from '../fakes/zookeeper.ts'

it('a cluster with `zookeeper` is read in both places, and its session ends with it', async () => {
  await using kafka = await createKafkaCluster({ version: '1.1' })
  await using zookeeper = await startFakeZookeeper({ version: '3.4' })
  kafka.state.createTopic('t', 1)
  kafka.state.setLog('t', 0, 0n, 10n)
  kafka.state.commit('new', 't', 0, 4n)
  const path = ['/kafka', '/consumers', '/old', '/offsets', '/t']
  for (const [index] of path.entries()) zookeeper.data.create(path.slice(0, index + 1).join(''), '')
  zookeeper.data.create(`${path.join('')}/0`, '7')
  const text = `
kafka:
  - name: legacy
    bootstrap: [ "${kafka.bootstrap.join('", "')}" ]
    interval: 1s
    zookeeper: { connect: "${zookeeper.connect}/kafka" }
`
  const [cluster] = loadConfig(configSchema, { text, env: {} }).kafka
  const service = createKafkaService(cluster!, {
    clock: systemClock,
    logger: silentLogger,
    observer: silentObserver,
    objectives: () => [],
    statusWindowMs: 600_000,
    onSnapshot: () => undefined,
    onStopped: () => undefined,
  })
  const stopping = new AbortController()
  const running = service.run(stopping.signal)

  await expect
    .poll(() => service.current()?.consumers.map(({ consumer, lag }) => [consumer.name, consumer.kind, lag]), {
      timeout: 10_000,
    })
    .toEqual([
      ['new', 'classic', 6],
      ['old', 'zookeeper', 3],
    ])
  stopping.abort()
  await running

  await expect.poll(() => zookeeper.connections()).toBe(0)
  expect(zookeeper.data.sessions.size).toBe(0)
})
