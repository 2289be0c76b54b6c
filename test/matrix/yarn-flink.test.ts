import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { yarnFlink } from '../contract/yarn-flink.ts'
import { recordingMoments } from '../loads/recording-moments.ts'
import { compareWithTruth, listsAllThatRuns, tell, timeUntil } from '../loads/yarn-truth.ts'
import { startYarnWorld, type YarnWorld, yarnName } from '../loads/yarn-world.ts'
import type { FlinkVersion } from '../rigs/flink-versions.ts'
import { type FlinkApplication, startFlinkApplication, startFlinkSession } from '../rigs/yarn-flink.ts'

const atMost = { timeout: 600_000 }

yarnFlink('1.20.5', { version: '3.3.6' }, 'whole')
yarnFlink('2.2.1', { version: '3.4.1', ha: true }, 'whole')

/** A recording job on a topic of its own. */
async function jobOn(world: YarnWorld, name: string, group?: string) {
  const topic = `${name}-in`
  await world.client.createTopics([{ name: topic, partitions: 1 }])
  await world.client.produce(topic, 0, 200)
  const { args, recording } = await world.recording({ name, topics: [topic], ...(group !== undefined && { group }) })
  const consumer = `${yarnName}/${name}`
  const moments = recordingMoments(recording, world.client, { topic, ...(group !== undefined && { group }) })
  const compare = (moment: string) => compareWithTruth(world.quick, { moment, consumer, topic, recording, moments })
  return { name, args, consumer, recording, moments, compare }
}

type RunningJob = Awaited<ReturnType<typeof jobOn>>

function startJob(world: YarnWorld, version: FlinkVersion, { name, args }: Pick<RunningJob, 'name' | 'args'>) {
  return startFlinkApplication({ yarn: world.yarn, version, name, mainClass: 'rig.RecordingSource', args })
}

/** The group of the job is known to be its own, and is no consumer of itself. */
async function hasGroup(world: YarnWorld, { consumer, name: group }: RunningJob): Promise<boolean> {
  const page = await world.quick.page()
  const own = `stream_consumer_info{kafka_cluster="main",consumer="${consumer}",kind="flink",group="${group}"`
  return page.includes(own) && !page.includes(`consumer="${group}"`)
}

/** From the registration of its TaskManager to its targets, and to its lag. */
async function timesOf(
  world: YarnWorld,
  application: FlinkApplication,
  job: RunningJob,
  all: readonly FlinkApplication[],
) {
  await timeUntil(
    'its TaskManager',
    90_000,
    async () => (await (await application.api()).taskManagerIds()).length === 1,
  )
  const [listedMs, lagMs] = await Promise.all([
    timeUntil('its targets', 60_000, () => listsAllThatRuns(world.usual, all)),
    timeUntil('its lag', 90_000, async () => (await world.usual.rows(job.consumer))[0]?.records_lag === 0),
  ])
  return { listedMs, lagMs }
}

describe('Flink on YARN 3.4.1 with two ResourceManagers', () => {
  it('lags go on while the active one is frozen, and what comes after the takeover is found', atMost, async () => {
    await using world = await startYarnWorld({
      version: '3.4.1',
      ha: true,
      // Hadoop's own clients wait for a frozen server for two minutes, and a new one ends who has not come by then.
      coreProperties: { 'ipc.client.rpc-timeout.ms': '5000', 'ipc.ping.interval': '5000' },
      properties: { 'yarn.am.liveness-monitor.expiry-interval-ms': '600000' },
    })
    const job = await jobOn(world, 'before', 'before')
    const application = await startJob(world, '2.2.1', job)
    await timesOf(world, application, job, [application])
    await job.moments.rest()
    const first = (await world.yarn.active()) ?? -1
    const isKnown: boolean[] = []
    let isOver = false

    world.yarn.freeze(first)
    const watching = (async () => {
      while (!isOver) {
        const [row] = await world.usual.rows(job.consumer).catch(() => [])
        isKnown.push(row?.records_lag !== undefined && row.reason === undefined)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    })()
    await job.moments.block([50])
    await job.compare('while nobody is active')
    const takeoverMs = await timeUntil('the other one', 240_000, async () => (await world.yarn.active()) === 1 - first)
    await job.moments.rest()
    await job.compare('after the takeover')
    expect(await world.usual.targets()).toHaveLength(2)

    await timeUntil('its node to come over', 120_000, async () =>
      JSON.stringify(await world.yarn.get('/ws/v1/cluster/metrics')).includes('"activeNodes":1,'),
    )
    const next = await jobOn(world, 'after', 'after')
    const another = await startJob(world, '2.2.1', next)
    const { listedMs, lagMs } = await timesOf(world, another, next, [application, another])
    isOver = true
    await watching
    tell(`frozen: the other active after ${takeoverMs}; what was started then listed after ${listedMs}, lag ${lagMs}`)

    expect(listedMs).toBeLessThan(30_000)
    expect(lagMs - listedMs).toBeLessThan(15_000)
    expect(isKnown.length).toBeGreaterThan(20)
    expect(isKnown).not.toContain(false)
    world.yarn.thaw(first)
  })
})

describe('Applications of Flink 1.20.5 beside each other on YARN 3.3.6', () => {
  let world: YarnWorld
  let steady: RunningJob
  let application: FlinkApplication

  beforeAll(async () => {
    // By default YARN ends a master that is silent for ten minutes; the rig's half a minute is too short here.
    const properties = { 'yarn.am.liveness-monitor.expiry-interval-ms': '600000' }
    world = await startYarnWorld({ version: '3.3.6', nodeMemoryMb: 10_240, properties })
  })
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
  })

  it('one that fails at its start delays nobody, and leaves nothing', atMost, async () => {
    steady = await jobOn(world, 'steady', 'steady')
    const failing = startJob(world, '1.20.5', { name: 'broken', args: ['topics=none'] }).then(
      () => 'started',
      (error: Error) => error.message,
    )
    application = await startJob(world, '1.20.5', steady)
    await timeUntil(
      'its TaskManager',
      90_000,
      async () => (await (await application.api()).taskManagerIds()).length === 1,
    )
    const isListed = async () =>
      (await world.usual.targets()).filter(({ labels }) => labels['__meta_lagkeeper_application_id'] === application.id)
        .length === 2
    const listedMs = await timeUntil('its targets', 60_000, isListed)
    const lagMs = await timeUntil('its lag', 60_000, async () => {
      return (await world.usual.rows(steady.consumer))[0]?.records_lag === 0
    })
    tell(`beside one that fails: listed after ${listedMs}, lag ${lagMs} later`)
    const outcome = await failing

    expect(listedMs).toBeLessThan(30_000)
    expect(lagMs).toBeLessThan(15_000)
    tell(`the one that fails: ${outcome.slice(0, 300)}`)
    await timeUntil('only one to be left', 60_000, () => listsAllThatRuns(world.usual, [application]))
    await timeUntil('its group to be known', 60_000, () => hasGroup(world, steady))
  })

  it('one whose JobManager hangs delays nobody, and keeps its own targets and lag', atMost, async () => {
    const late = await jobOn(world, 'late', 'late')
    await application.freezeMaster()
    const another = await startJob(world, '1.20.5', late)
    const { listedMs, lagMs } = await timesOf(world, another, late, [application, another])
    tell(`beside one that hangs: listed after ${listedMs}, lag ${lagMs}`)

    expect(listedMs).toBeLessThan(30_000)
    expect(lagMs - listedMs).toBeLessThan(15_000)
    expect(await hasGroup(world, steady)).toBe(true)
    await application.thawMaster()
    await application.awaitJob(1)
    await steady.moments.rest()
    await steady.compare('after its JobManager has gone on')
    expect(await hasGroup(world, steady)).toBe(true)
    await Promise.all([application.kill(), another.kill()])
    await timeUntil('all to leave', 60_000, async () => (await world.usual.targets()).length === 0)
  })

  it('a session has a target at once, and lags of jobs with and without a group as they come', atMost, async () => {
    const session = await startFlinkSession({ yarn: world.yarn, version: '1.20.5', name: 'shared' })
    await session.api()
    await timeUntil('its JobManager', 60_000, () => listsAllThatRuns(world.usual, [session]))
    const [jobManager] = await world.usual.targets()
    expect(jobManager?.labels).not.toHaveProperty('__meta_lagkeeper_flink_job')

    const quiet = await jobOn(world, 'quiet')
    const quietId = await session.submitJar('rig.RecordingSource', quiet.args)
    const { listedMs, lagMs } = await timesOf(world, session, quiet, [session])
    tell(`job in a session: listed after ${listedMs}, lag ${lagMs}`)
    expect(listedMs).toBeLessThan(30_000)
    expect(lagMs - listedMs).toBeLessThan(15_000)
    await quiet.moments.block([30])
    await quiet.compare('without a group, stuck')
    expect(await world.quick.page()).toContain(`consumer="${quiet.consumer}",kind="flink",job_id="${quietId}"`)

    const loud = await jobOn(world, 'loud', 'loud')
    await session.submitJar('rig.RecordingSource', loud.args)
    await loud.moments.rest()
    await loud.compare('with a group')
    await timeUntil('both TaskManagers', 60_000, () => listsAllThatRuns(world.usual, [session]))
    for (const { labels } of await world.usual.targets())
      expect(labels).not.toHaveProperty('__meta_lagkeeper_flink_job')

    await (await session.api()).cancel(quietId)
    await timeUntil('the job without a group to leave', 60_000, async () => {
      return (await world.quick.rows(quiet.consumer)).length === 0
    })
    await loud.compare('alone again')
  })
})
