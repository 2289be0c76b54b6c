import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareTimeLags, type TimeLagResult } from '../contract/time-lag.ts'
import { shapes } from '../loads/timed-load.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const INTERVAL_MS = 1_000

describe('time lag against known times of arrival, on Kafka 3.9.2', () => {
  let kafka: KafkaRig
  let rig: RigClient
  let results: readonly TimeLagResult[]

  beforeAll(async () => {
    kafka = await startKafka({ version: '3.9.2', properties: { 'log.cleaner.backoff.ms': '500' } })
    rig = await startRigClient({ version: '3.9.2', bootstrap: kafka.bootstrap })
    ;({ results } = await compareTimeLags({
      bootstrap: kafka.bootstrap,
      commitMany: rig.commitMany,
      partitions: 1,
      groups: 6,
      headStartMs: 8_000,
      cycles: 15,
      intervalMs: INTERVAL_MS,
    }))
  }, 120_000)
  afterAll(async () => {
    await rig?.stop()
    await kafka?.stop()
  })

  it('holds the truth within what it states', () => {
    expect(results.flatMap(({ wrong }) => wrong)).toEqual([])
    expect(results.reduce((sum, { samples }) => sum + samples, 0)).toBeGreaterThan(300)
  })

  it('is known by the history of log ends and by the timestamps of the log, for every kind of arrival', () => {
    // Compaction takes the records of positions that stand at the start, and with them their time.
    for (const shape of shapes.filter((one) => one !== 'compacted')) {
      const of = results.filter((result) => result.shape === shape)
      const unknown = of.find(({ source }) => source === 'unknown')?.samples ?? 0
      const all = of.reduce((sum, { samples }) => sum + samples, 0)
      // The first cycle has no history and has not been told anything yet.
      expect(unknown, shape).toBeLessThan(all / 4)
    }
    expect(new Set(results.map(({ source }) => source))).toContain('log_ends')
    expect(new Set(results.map(({ source }) => source))).toContain('timestamps')
  })
})
