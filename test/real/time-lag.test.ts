import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareTimeLags, type MissingTimeLag, type TimeLagResult } from '../contract/time-lag.ts'
import { type Shape, shapes } from '../loads/timed-load.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const INTERVAL_MS = 1_000

describe('time lag against known times of arrival, on Kafka 3.9.2', () => {
  let kafka: KafkaRig
  let rig: RigClient
  let results: readonly TimeLagResult[]
  let missing: readonly MissingTimeLag[]

  beforeAll(async () => {
    kafka = await startKafka({ version: '3.9.2', properties: { 'log.cleaner.backoff.ms': '500' } })
    rig = await startRigClient({ version: '3.9.2', bootstrap: kafka.bootstrap })
    ;({ results, missing } = await compareTimeLags({
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
    expect(missing.filter(({ shape }) => shape !== 'compacted')).toEqual([])
    // Of the idle one all records lie before the history.
    for (const shape of shapes.filter((one) => one !== 'idle'))
      expect(samplesOf(shape, 'log_ends'), shape).toBeGreaterThan(0)
    for (const shape of shapes.filter((one) => one !== 'compacted'))
      expect(samplesOf(shape, 'timestamps'), shape).toBeGreaterThan(0)
  })

  function samplesOf(shape: Shape, source: TimeLagResult['source']): number {
    return results.find((one) => one.shape === shape && one.source === source)?.samples ?? 0
  }
})
