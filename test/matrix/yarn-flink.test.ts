import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordingArguments, recordingIn } from '../rigs/flink-recording.ts'
import { until } from '../rigs/flink-wait.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'
import { startYarn } from '../rigs/yarn.ts'
import { type FlinkApplication, startFlinkApplication, startFlinkSession } from '../rigs/yarn-flink.ts'

const kafkaVersion = '3.9.1'
const topic = 'orders'
const atMost = { timeout: 600_000 }

describe('Flink on real YARN', () => {
  let kafka: KafkaRig
  let client: RigClient

  beforeAll(async () => {
    kafka = await startKafka({ version: kafkaVersion })
    client = await startRigClient({ version: kafkaVersion, bootstrap: kafka.bootstrap })
    await client.createTopics([{ name: topic, partitions: 2 }])
    await client.produce(topic, 0, 100)
  })
  afterAll(async () => {
    await client?.stop()
    await kafka?.stop()
  })

  async function recordingOf(dir: string) {
    const folder = join(dir, 'recording')
    await mkdir(folder)
    return {
      folder,
      args: recordingArguments(folder, {
        bootstrap: kafka.bootstrap,
        topics: [topic],
        group: 'on-yarn',
        parallelism: 2,
      }),
    }
  }
  const idsOf = async (application: FlinkApplication) =>
    (await application.containers()).filter(({ role }) => role === 'taskManager').map(({ id }) => id)

  it.each([
    ['1.20.5', '3.3.6'],
    ['2.2.1', '3.4.1'],
  ] as const)('%s in application mode on %s begins anew when its master dies', atMost, async (version, yarnVersion) => {
    await using yarn = await startYarn({ version: yarnVersion })
    const { folder, args } = await recordingOf(yarn.dir)
    const options = { yarn, version, name: 'orders-etl', tags: ['team-a'], mainClass: 'rig.RecordingSource', args }
    const application = await startFlinkApplication(options)
    const first = await application.awaitJob(2)
    const firstRest = await application.rest()
    const read = () =>
      until('all to be read', async () => {
        const [position] = await recordingIn(folder, first, 'source').positions()
        return position?.next === 100n && position
      })
    const before = await read()

    expect(await (await application.api()).taskManagerIds()).toEqual(
      expect.arrayContaining([...(await idsOf(application))]),
    )

    const dead = await application.killTaskManager(0)
    await until('another container', async () => {
      const ids = await idsOf(application)
      return ids.length === 2 && !ids.includes(dead)
    })
    expect(await application.awaitJob(2)).toBe(first)

    await application.killMaster()
    await until('the next attempt', async () => ![undefined, firstRest].includes(await application.rest()))
    const second = await application.awaitJob(2)

    expect(second).not.toBe(first)
    expect((await read()).at).toBeGreaterThan(before.at)
    // The containers of the attempt that ended are ended too.
    await until('the old containers to end', async () => (await idsOf(application)).every((id) => id.includes('_02_')))
  })

  it('1.20.5 in session mode on 3.3.6 starts TaskManagers as jobs come', atMost, async () => {
    await using yarn = await startYarn({ version: '3.3.6' })
    const session = await startFlinkSession({ yarn, version: '1.20.5', name: 'shared' })
    await session.api()
    expect(await idsOf(session)).toEqual([])

    const { folder, args } = await recordingOf(yarn.dir)
    const jobId = await session.submitJar('rig.RecordingSource', args)

    expect(await session.awaitJob(2)).toBe(jobId)
    expect(await idsOf(session)).toHaveLength(2)
    const reporters = (await session.containers()).map(({ reporterPort }) => reporterPort)
    expect(new Set(reporters).size).toBe(3)
    await expect
      .poll(async () => (await recordingIn(folder, jobId, 'source').positions())[0]?.next, { timeout: 30_000 })
      .toBe(100n)
  })
})
