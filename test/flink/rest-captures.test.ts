import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createFlinkRest } from '../../src/flink/flink-rest.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { silentLogger } from '../../src/runtime/logger.ts'
import { type Capture, captures, replay, startRest } from './rest-fake.ts'

const deps = { clock: systemClock, logger: silentLogger }
const signal = AbortSignal.timeout(60_000)
const of = { flinkCluster: 'dev' }

const overviewShape = z.object({
  jobs: z.object({ jid: z.string(), name: z.string(), state: z.string() }).array(),
})
const taskManagersShape = z.object({
  taskmanagers: z
    .object({ id: z.string(), freeSlots: z.number(), timeSinceLastHeartbeat: z.number().nullable() })
    .array(),
})

const looks = new Map<Capture, ReturnType<typeof takeLook>>()

/** One look serves all who want to see what is in it. */
function lookAt(capture: Capture) {
  const look = looks.get(capture) ?? takeLook(capture)
  looks.set(capture, look)
  return look
}

async function takeLook(capture: Capture) {
  await using server = await startRest(replay(capture))
  const rest = createFlinkRest({ url: server.url }, deps)
  try {
    return { look: await rest.look(of, signal) }
  } finally {
    rest.close()
  }
}

/** 1.11.4 is 1011. */
function versionNumber({ version }: Capture): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 1_000 + minor
}

const all = captures()

describe.each(all.map((capture) => [`${capture.version} ${capture.moment}`, capture] as const))('%s', (_, capture) => {
  const overview = overviewShape.parse(capture.answers['/jobs/overview']?.body)
  const hasDetails = (id: string): boolean => capture.answers[`/jobs/${id}`] !== undefined

  it('lists every job with its state, and reads whole what was recorded whole', async () => {
    const { look } = await lookAt(capture)

    expect(look.version).toBe(capture.version)
    expect(look.unread).toEqual([])
    expect(look.jobs.map(({ id, name, state }) => ({ jid: id, name, state }))).toEqual(overview.jobs)
    for (const job of look.jobs) {
      expect(job.unread.length > 0).toBe(!hasDetails(job.id))
      if (!hasDetails(job.id)) continue
      expect(job.vertices.length).toBeGreaterThan(0)
      expect(job.plan.map(({ id }) => id).sort()).toEqual(job.vertices.map(({ id }) => id).sort())
      expect(job.checkpoints).toMatchObject({ intervalMs: 10_000 })
      for (const { description } of job.plan) expect(description).not.toMatch(/&(?:lt|gt|quot|amp|#\d+);|<br\/>/)
    }
  })

  it('lists TaskManagers with host, heartbeat and slots', async () => {
    const { look } = await lookAt(capture)

    const listed = taskManagersShape.parse(capture.answers['/taskmanagers']?.body).taskmanagers
    expect(look.taskManagers).toEqual(
      listed.map(({ id, freeSlots, timeSinceLastHeartbeat: at }) => ({
        id,
        freeSlots,
        slots: 4,
        host: '127.0.0.1',
        // One that has just come has not been heard yet.
        ...(at === null || at === 0 ? {} : { lastHeartbeatAt: at }),
      })),
    )
  })

  it('knows how the reporter is configured', async () => {
    const { look } = await lookAt(capture)

    const configuredBy = versionNumber(capture) < 1_014 ? expect.stringMatching(/class|factory/) : 'factory'
    expect(look.reporters).toEqual([{ name: 'prom', configuredBy, port: '20250-20260', filtersLabels: true }])
  })

  it('has the restarts that the page of the JobManager has', async () => {
    const { look } = await lookAt(capture)

    for (const job of look.jobs.filter(({ id }) => hasDetails(id))) {
      const values = capture.metrics[`/jobs/${job.id}/metrics`]
      expect(job.restarts).toBe(values === undefined ? undefined : Number(values['numRestarts']))
    }
  })

  it('says how much each vertex is held up from 1.13 on, and nothing before', async () => {
    const { look } = await lookAt(capture)

    for (const job of look.jobs)
      for (const vertex of job.vertices) {
        const most = capture.backPressure[`/jobs/${job.id}/vertices/${vertex.id}/subtasks/metrics`]
        const expected = versionNumber(capture) < 1_013 || most === undefined ? undefined : Math.min(1, most / 1_000)
        if (vertex.state === 'RUNNING') expect(vertex.backPressure).toBe(expected)
      }
    const slow = look.jobs.find(({ name }) => name === 'slow-orders')
    if (capture.moment.startsWith('03') && versionNumber(capture) >= 1_013)
      expect(slow?.vertices[0]?.backPressure).toBeGreaterThan(0.5)
  })
})

describe.each(
  all.filter(({ moment }) => moment.startsWith('02')).map((capture) => [capture.version, capture] as const),
)('running on %s', (_, capture) => {
  it('sees the two parts of a plan, and which topics they read twice', async () => {
    const { look } = await lookAt(capture)

    const job = look.jobs.find(({ name }) => name === 'dup+disconnected')
    const scans = job?.plan.filter(({ description }) => /pay_[ab]/.test(description) && /Source|Scan/.test(description))
    expect(scans?.length).toBeGreaterThanOrEqual(2)
    for (const { inputs } of scans ?? []) expect(inputs).toEqual([])
  })

  it('finds ports in the logs of JobManager and TaskManagers', async () => {
    await using server = await startRest(replay(capture))
    const rest = createFlinkRest({ url: server.url }, deps)
    const { taskManagers } = await rest.look(of, signal)

    const ports = [await rest.reporterPort('jobmanager', signal)]
    for (const { id } of taskManagers) ports.push(await rest.reporterPort(id, signal))

    expect(ports.sort()).toEqual([20_250, 20_251, 20_252])
    rest.close()
  })

  it('reads offset gauges of every partition through the JobManager', async () => {
    await using server = await startRest(replay(capture))
    const rest = createFlinkRest({ url: server.url }, deps)
    const job = overviewShape
      .parse(capture.answers['/jobs/overview']?.body)
      .jobs.find(({ name }) => name === 'orders.etl-v1')
    const source = 'cbc357ccb763df2852fee8c4fc7d55f2'

    const isOffset = (id: string): boolean =>
      /\.topic\.ods_orders-v1\.partition\.\d+\.(?:current|committed)Offsets?$/.test(id)
    const values = await rest.vertexMetrics(job?.jid ?? '', source, isOffset, signal)

    expect(values).toEqual(
      new Map(
        Object.entries(capture.metrics[`/jobs/${job?.jid}/vertices/${source}/metrics`] ?? {}).map(([id, value]) => [
          id,
          Number(value),
        ]),
      ),
    )
    expect(values.size).toBe(6)
    rest.close()
  })
})

it.each(all.filter(({ moment }) => moment.startsWith('05')).map((capture) => [capture.version, capture] as const))(
  'has what made the jobs of %s start again, without frames, and what they were restored from',
  async (_, capture) => {
    const { look } = await lookAt(capture)

    const etl = look.jobs.find(({ name }) => name === 'orders.etl-v1')
    expect(etl?.restarts).toBeGreaterThan(0)
    expect(etl?.lastException?.at).toBeGreaterThan(1_795_000_000_000)
    expect(etl?.lastException?.text).toMatch(/TaskManager|TaskExecutor|Connection|heartbeat/i)
    expect(etl?.lastException?.text).not.toMatch(/\tat /)
    expect(etl?.checkpoints?.restored).toBeGreaterThan(0)
    expect(etl?.checkpoints?.lastRestoredAt).toBeGreaterThan(1_795_000_000_000)
  },
)
