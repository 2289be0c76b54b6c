import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flinkMoments } from '../loads/flink-moments.ts'
import { startFlink } from '../rigs/flink.ts'
import { type FlinkVersion, flinkFacts, flinkVersions, type Reader } from '../rigs/flink-versions.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const kafkaVersion = '3.9.1'

/** How far the gauge of the last record is from what the source handed on, while its task is held at a record. */
const gauge: (version: FlinkVersion, reader: Reader) => 'emitted' | 'finished' | 'fetched' | 'none' = (
  version,
  reader,
) => {
  if (reader === 'legacy') return 'finished'
  if (version === '1.12.5') return 'none'
  return version === '1.13.6' ? 'fetched' : 'emitted'
}

const cases = flinkVersions.flatMap((version) => flinkFacts(version).readers.map((reader) => ({ version, reader })))

describe('What gauges say of a source', () => {
  let kafka: KafkaRig
  let client: RigClient

  beforeAll(async () => {
    kafka = await startKafka({ version: kafkaVersion })
    client = await startRigClient({ version: kafkaVersion, bootstrap: kafka.bootstrap })
  })
  afterAll(async () => {
    await client?.stop()
    await kafka?.stop()
  })

  it.each(cases)('of Flink $version ($reader)', { timeout: 300_000 }, async ({ version, reader }) => {
    await using flink = await startFlink({ version })
    const topic = `of.${version}-${reader}`
    const moments = await flinkMoments(flink, client, { bootstrap: kafka.bootstrap, topic, partitions: 1, reader })
    const look = async () => {
      const { recorded, gauges } = await moments.look()
      const { current, committed } = gauges.partitions[0] ?? {}
      return { next: Number(recorded[0]?.next), by: recorded[0]?.by, current, committed }
    }
    const level = gauge(version, reader)

    await moments.produce([300])
    await moments.rest()
    const rest = await look()
    await moments.block([400])
    const blocked = await look()
    await moments.drain()
    await moments.restart()
    const restarted = await look()

    const shown = level !== 'none'
    expect(rest).toEqual({
      next: 300,
      by: 'given',
      current: shown ? 299 : undefined,
      committed: shown ? 300 : undefined,
    })
    expect(blocked).toEqual({
      next: 301,
      by: 'given',
      current: { emitted: 300, finished: 299, fetched: 699, none: undefined }[level],
      committed: shown ? 300 : undefined,
    })
    expect(restarted).toMatchObject({ next: 700, by: 'restored' })
    // The gauge of what was restored, which the legacy consumer sets when its consumer is open, a little later.
    if (reader === 'legacy') await expect.poll(async () => (await look()).current, { timeout: 20_000 }).toBe(699)
    else expect([-1, undefined]).toContain(restarted.current)
  })
})
