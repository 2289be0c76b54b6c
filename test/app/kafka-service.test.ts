import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createKafkaService } from '../../src/app/kafka-service.ts'
import { configSchema } from '../../src/app/schema.ts'
import { silentObserver } from '../../src/collect/observer.ts'
import { systemClock as clock } from '../../src/runtime/clock.ts'
import { silentLogger as logger } from '../../src/runtime/logger.ts'
import { createKafkaCluster, type KafkaCluster } from '../../src/simulator/kafka-cluster.ts'

let folder: string
let broker: KafkaCluster
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lagkeeper-service-'))
  broker = await createKafkaCluster()
  broker.state.createTopic('t', 1)
  broker.state.setLog('t', 0, 0n, 100n)
  broker.state.commit('g', 't', 0, 10n)
})
afterEach(async () => {
  await broker[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Runs a cluster as configured until `done` holds, and to its end. */
async function runUntil(
  options: Readonly<Record<string, unknown>>,
  done: (service: ReturnType<typeof createKafkaService>) => void,
): Promise<void> {
  const [config] = configSchema.parse({
    kafka: [{ name: 'sim', bootstrap: [...broker.bootstrap], interval: '1s', ...options }],
  }).kafka
  const service = createKafkaService(config!, {
    clock,
    logger,
    observer: silentObserver,
    objectives: () => [],
    statusWindowMs: 600_000,
    storage: join(folder, 'data'),
    onSnapshot: () => undefined,
    onStopped: () => undefined,
  })
  const stop = new AbortController()
  const running = service.run(stop.signal)
  await vi.waitFor(() => done(service), { timeout: 10_000, interval: 50 })
  stop.abort()
  await running
  expect(service.current()).toBeUndefined()
}

it('asks for the views that are configured, and for no other', async () => {
  await runUntil({ views: { read_committed: true } }, (service) => {
    expect(service.current()?.views?.stable?.reason[0]).toBe(0)
  })
  expect(broker.requests.total('DescribeLogDirs')).toBe(0)

  await runUntil({}, (service) => {
    expect(service.current()).toBeDefined()
    expect(service.current()?.views).toBeUndefined()
  })
  await runUntil({ views: { lag_bytes: true } }, (service) => {
    expect(service.current()?.views?.recordBytes?.value[0]).toBe(100)
  })
})

it('goes on counting lost records after a restart', async () => {
  await runUntil({}, (service) => expect(service.current()?.lost).toEqual(new Map()))
  broker.state.deleteRecords('t', 0, 40n)

  await runUntil({}, (service) => expect(service.current()?.lost?.get('g')?.get('t')).toBe(30))
  expect(await readFile(join(folder, 'data', 'records-lost.sim.jsonl'), 'utf8')).toContain('"lost":30')
})
