import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type RecordingMoments, recordingMoments } from '../loads/recording-moments.ts'
import { compareWithTruth, listsAllThatRuns, tell, timeUntil } from '../loads/yarn-truth.ts'
import { type DaemonView, type ListedTarget, startYarnWorld, type YarnWorld, yarnName } from '../loads/yarn-world.ts'
import type { Recording } from '../rigs/flink-recording.ts'
import type { FlinkVersion } from '../rigs/flink-versions.ts'
import type { YarnOptions } from '../rigs/yarn.ts'
import { type FlinkApplication, startFlinkApplication } from '../rigs/yarn-flink.ts'

const topic = 'ods.orders-v1'
const consumer = `${yarnName}/recording`
const parallelism = 2
/** For a page, a cycle, and a look at the jobs between them. */
const shownWithinMs = 40_000

/**
 * The daemon beside a real YARN, a real Kafka and a real Prometheus: an application of Flink from its start to its end, as
 * targets and as a lag, held against what its job has written down and what processes there are.
 *
 * @param extent `brief`: its start, a lag at rest and stuck, its end; `whole`: also back-pressure, and what becomes of a
 *   TaskManager and of a master that are killed
 */
export function yarnFlink(flink: FlinkVersion, options: YarnOptions, extent: 'brief' | 'whole') {
  describe(`Flink ${flink} on YARN ${options.version}`, () => {
    let world: YarnWorld
    let application: FlinkApplication
    let recording: Recording
    let moments: RecordingMoments

    beforeAll(async () => {
      world = await startYarnWorld(options)
      await world.client.createTopics([{ name: topic, partitions: parallelism }])
      await world.client.produceMany([300, 100].map((count, partition) => ({ topic, partition, count })))
    })
    afterAll(async () => {
      await world?.[Symbol.asyncDispose]()
    })

    const processes = async () => (await application.containers()).filter(({ role }) => role === 'taskManager')

    const jobIdNow = async () => (await (await application.api()).jobIds()).join()

    const listsWhatRuns = (daemon: DaemonView) => listsAllThatRuns(daemon, [application])
    const compare = (moment: string, daemon = world.quick) =>
      compareWithTruth(daemon, { moment, consumer, topic, recording, moments })

    it('a job that is submitted is a scraped target and has a lag within half a minute', async () => {
      const started = await world.recording({ topics: [topic], group: topic, parallelism })
      recording = started.recording
      moments = recordingMoments(recording, world.client, { topic, group: topic })
      const submit = { yarn: world.yarn, version: flink, name: 'orders-etl', tags: ['team-a'] }
      application = await startFlinkApplication({ ...submit, mainClass: 'rig.RecordingSource', args: started.args })
      await timeUntil('its TaskManagers', 60_000, async () => {
        const api = await application.api()
        return (await api.taskManagerIds()).length === parallelism
      })
      const isListed = () => listsWhatRuns(world.usual)
      const isScraped = async () => {
        const up = await world.prometheus.query('up{job="found"} == 1')
        const found = new Set(up.map(({ metric }) => metric['instance']))
        return ['jobmanager', ...(await processes()).map(({ id }) => id)].every((instance) => found.has(instance))
      }
      const hasLag = async () => {
        const page = await world.usual.page()
        return [0, 1].every((partition) =>
          page.includes(
            `stream_consumer_records_lag{kafka_cluster="main",consumer="${consumer}",topic="${topic}",partition="${partition}"} 0`,
          ),
        )
      }
      const [listedMs, scrapedMs, lagMs] = await Promise.all([
        timeUntil('its targets', 60_000, isListed),
        timeUntil('it to be scraped', 90_000, isScraped),
        timeUntil('its lag', 90_000, hasLag),
      ])
      tell(`after its TaskManagers registered: listed ${listedMs}, scraped ${scrapedMs}, lag ${lagMs}`)

      expect(listedMs).toBeLessThan(30_000)
      expect(scrapedMs).toBeLessThan(30_000)
      expect(lagMs - listedMs).toBeLessThan(15_000)
      for (const { kind, labels } of await world.usual.targets())
        expect(labels).toMatchObject({
          __meta_lagkeeper_flink_cluster: yarnName,
          __meta_lagkeeper_application_id: application.id,
          __meta_lagkeeper_attempt: '1',
          __meta_lagkeeper_flink_job: 'recording',
          __meta_lagkeeper_queue: expect.stringMatching(/^(root\.)?stream$/),
          __meta_lagkeeper_role: kind === 'flink-tm' ? 'taskmanager' : 'jobmanager',
          __meta_lagkeeper_version: flink,
        })
    })

    it('its lag is right at rest, and its group is not a second consumer', async () => {
      await moments.rest()
      await compare('at rest')
      await expect.poll(() => world.quick.page(), { timeout: shownWithinMs }).toContain(`group="${topic}",job_id=`)
      expect(await world.quick.rows(topic)).toEqual([])
    })

    it('its lag is right to the record when it is stuck', async () => {
      await moments.block([0, 400])
      await compare('stuck on one record')
      await moments.rest()
    })

    if (extent === 'whole') {
      it('its lag is right under back-pressure', async () => {
        await moments.rest()
        await moments.press([3_000, 1_000])
        await compare('under back-pressure')
        await moments.rest()
      })

      it('a TaskManager that is killed gives way to the one that takes its port, and none is taken for the other', async () => {
        const before = await processes()
        const watches = [watch(world.usual), watch(world.quick)]
        const killedAt = Date.now()
        const dead = await application.killTaskManager(0)
        const goes = timeUntil('the dead one to leave', 60_000, async () => {
          return (await world.usual.targets()).every(({ instance }) => instance !== dead)
        })
        await timeUntil('another one', 90_000, async () => {
          const now = await processes()
          return (
            now.length === parallelism && now.every(({ id, reporterPort }) => id !== dead && reporterPort !== undefined)
          )
        })
        await application.awaitJob(parallelism)
        const [goneMs, comesMs] = await Promise.all([
          goes,
          timeUntil('the new one', 60_000, () => listsWhatRuns(world.usual)),
        ])
        tell(`TaskManager killed: gone after ${goneMs}, the new one listed ${comesMs} after its job ran`)
        await compare('on the new TaskManager', world.usual)
        await compare('on the new TaskManager')
        const heir = (await processes()).find(({ id }) => before.every((one) => one.id !== id))
        const page = `http://127.0.0.1:${heir?.reporterPort}/metrics`
        await timeUntil('its page to be read', shownWithinMs, async () => {
          const explained = await Promise.all([0, 1].map((at) => world.quick.explained(consumer, topic, at)))
          return explained.some((one) => gaugesIn(one).some((gauge) => gauge.page === page && gauge.attempt > 0))
        })
        const seen = (await Promise.all(watches.map((one) => one.end()))).flat()

        expect(goneMs).toBeLessThan(30_000)
        expect(comesMs).toBeLessThan(30_000)
        expect(heir?.reporterPort).toBe(before.find(({ id }) => id === dead)?.reporterPort)
        // Never both, never the dead one again.
        for (const { targets } of seen) expect(new Set(targets.map(({ address }) => address)).size).toBe(targets.length)
        // What a page of the port said after the death is of the new task, never of the old one.
        const late = seen.flatMap(({ gauges }) =>
          gauges.filter((gauge) => gauge.page === page && Date.parse(gauge.sent) > killedAt + 1_000),
        )
        expect(late.length).toBeGreaterThan(0)
        for (const { attempt } of late) expect(attempt).toBeGreaterThan(0)
      })

      it('a master that is killed gives way to the next attempt: another job, the same consumer', async () => {
        const first = await jobIdNow()
        await recording.sourceGate.close()
        await application.killMaster()
        const killed = performance.now()
        // Begins anew, and is held at its first records.
        await timeUntil('the next attempt to read', 120_000, async () => {
          const positions = await recording.positions()
          return positions.length === parallelism && positions.every(({ next }) => next === 1n)
        })
        const second = await jobIdNow()
        const listedMs = await timeUntil('its targets', 60_000, () => listsWhatRuns(world.usual))
        tell(
          `master killed: next attempt reads after ${performance.now() - killed - listedMs}, listed ${listedMs} later`,
        )
        await compare('at the beginning again')

        expect(second).not.toBe(first)
        expect(listedMs).toBeLessThan(30_000)
        const attempts = (await world.usual.targets()).map(({ labels }) => labels['__meta_lagkeeper_attempt'])
        expect(attempts).toEqual(['2', '2', '2'])
        const page = await world.quick.page()
        expect(page).toContain(`job_id="${second}"`)
        expect(page).not.toContain(`job_id="${first}"`)
        expect(page).toContain(`stream_job_present{flink_cluster="${yarnName}",flink_job="recording"} 1`)
        await moments.rest()
        await compare('at rest after all')
      })
    }

    it('an application that is killed leaves the list, and its job is missed', async () => {
      const isMissed = async () => {
        const page = await world.usual.page()
        return page.includes(`stream_job_present{flink_cluster="${yarnName}",flink_job="recording"} 0`)
      }
      await application.kill()
      const [goneMs, missedMs] = await Promise.all([
        timeUntil('its targets to leave', 60_000, async () => (await world.usual.targets()).length === 0),
        timeUntil('it to be missed', 60_000, isMissed),
      ])
      tell(`application killed: gone after ${goneMs}, missed after ${missedMs}`)
      const page = await world.usual.page()

      expect(goneMs).toBeLessThan(30_000)
      expect(missedMs).toBeLessThan(30_000)
      expect(page).toContain(`stream_job_expected_running{flink_cluster="${yarnName}",flink_job="recording"} 1`)
      // It goes on by what its group committed.
      await moments.produce([10, 20])
      const { ends } = await moments.oracle()
      const left = ends.map(({ partition, end }) => {
        const lag = [10, 20][partition] ?? 0
        return { consumer, topic, partition, position: Number(end) - lag, records_lag: lag }
      })
      await expect.poll(() => world.quick.rows(consumer), { timeout: shownWithinMs }).toMatchObject(left)
    })
  })
}

interface Glance {
  readonly targets: readonly ListedTarget[]
  /** Of partition 0 and 1. */
  readonly gauges: readonly { readonly page: string; readonly sent: string; readonly attempt: number }[]
}

const explanation = z.object({
  flink: z.object({
    gauges: z.array(z.object({ page: z.string(), sent: z.string(), attempt: z.number() })),
  }),
})

function gaugesIn(explained: unknown): Glance['gauges'] {
  return explanation.safeParse(explained).data?.flink.gauges ?? []
}

/** Looks at targets and at how positions came to be, many times a second, and once more when it is told to end. */
function watch(daemon: DaemonView): { end(): Promise<readonly Glance[]> } {
  const glances: Glance[] = []
  let isOver = false
  const watching = (async () => {
    for (let isLast = false; !isLast; await sleep(100)) {
      isLast = isOver
      const targets = await daemon.targets()
      const explained = await Promise.all([0, 1].map((partition) => daemon.explained(consumer, topic, partition)))
      glances.push({ targets, gauges: explained.flatMap(gaugesIn) })
    }
  })()
  watching.catch(() => undefined)
  return {
    end: async () => {
      isOver = true
      await watching
      return glances
    },
  }
}
