import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FlinkMoments, flinkMoments } from '../loads/flink-moments.ts'
import { asFigure, type FlinkResult } from '../matrix/flink-results.ts'
import { type DaemonRig, startDaemon } from '../rigs/daemon.ts'
import { type FlinkRig, startFlink } from '../rigs/flink.ts'
import { type RecordedPosition, type Recording, startRecording } from '../rigs/flink-recording.ts'
import type { FlinkVersion } from '../rigs/flink-versions.ts'
import { type KafkaRig, startKafka } from '../rigs/kafka.ts'
import { type RigClient, startRigClient } from '../rigs/rig-client.ts'

const kafkaVersion = '3.9.1'
const topic = 'ods.orders-v1'
const quietTopic = 'pay.events'
const INTERVAL_MS = 2_000
/** For a page, a cycle, and a look at the jobs between them. */
const SHOWN_WITHIN_MS = 40_000

interface Row {
  readonly consumer: string
  readonly topic: string
  readonly partition: number
  readonly position?: number
  readonly log_end_offset?: number
  readonly records_lag?: number
  readonly reason?: string
}

/**
 * The daemon beside a real Flink and a real Kafka: what it says of a job in all the states in which gauges and truth part,
 * against what a recording job has written down of every record that its source gave it.
 *
 * @param results told before anything was looked at, and what was seen when all of it was right
 */
export function flinkLag(
  version: FlinkVersion,
  results: {
    readonly begin?: () => void
    readonly end?: (reader: string, moments: readonly FlinkResult['moments'][number][]) => void
  } = {},
): void {
  describe(`The lag of jobs on Flink ${version}`, () => {
    let kafka: KafkaRig
    let client: RigClient
    let flink: FlinkRig
    let moments: FlinkMoments
    let quiet: Recording
    let daemon: DaemonRig
    let folder: string
    const seen: FlinkResult['moments'][number][] = []

    beforeAll(async () => {
      results.begin?.()
      folder = await mkdtemp(join(tmpdir(), 'lagkeeper-flink-'))
      ;[kafka, flink] = await Promise.all([startKafka({ version: kafkaVersion }), startFlink({ version })])
      client = await startRigClient({ version: kafkaVersion, bootstrap: kafka.bootstrap })
      const config = {
        storage: { path: join(folder, 'data') },
        interval: `${INTERVAL_MS / 1_000}s`,
        kafka: [{ name: 'main', bootstrap: [kafka.bootstrap] }],
        flink: [{ name: 'dev', rest: flink.rest, interval: '2s' }],
      }
      const lines = Object.entries(config).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
      daemon = await startDaemon({ folder, config: lines.join('\n') })
      moments = await flinkMoments(flink, client, { bootstrap: kafka.bootstrap, topic, partitions: 2 })
      await client.createTopics([{ name: quietTopic, partitions: 1 }])
      await client.produceMany([{ topic: quietTopic, partition: 0, count: 50 }])
      quiet = await startRecording(flink, { bootstrap: kafka.bootstrap, topics: [quietTopic], name: 'quiet' })
    })
    afterAll(async () => {
      await daemon?.process.stop()
      await flink?.stop()
      await client?.stop()
      await kafka?.stop()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    })

    async function rowsOf(consumer: string): Promise<readonly Row[]> {
      const answer = await fetch(`${daemon.url}/api/v1/consumers?consumer=${encodeURIComponent(consumer)}`)
      if (answer.status === 503) return []
      const { rows }: { rows: readonly Row[] } = JSON.parse(await answer.text())
      return rows.toSorted((a, b) => a.partition - b.partition)
    }

    /** The job stands still; waits until the daemon says so, and holds every column against the truth. */
    async function compare(moment: string): Promise<void> {
      const { recorded, gauges, oracle } = await moments.look()
      const expected = oracle.ends.map(({ partition, end }) => {
        const next = recorded.find((row) => row.partition === partition)?.next
        if (next === undefined) throw new Error(`Look at "${topic}": nothing was read of partition ${partition} yet`)
        const numbers = { position: Number(next), log_end_offset: Number(end), records_lag: Number(end - next) }
        return { consumer: 'dev/recording', topic, partition, ...numbers }
      })
      // The legacy consumer counts a record when its task is done with it, the recorder when it is given.
      const inHand = moment.startsWith('held') && moments.recording.reader === 'legacy' ? last(recorded) : undefined
      const gauged = expected.map((row) =>
        row.partition === inHand?.partition
          ? { ...row, position: row.position - 1, records_lag: row.records_lag + 1 }
          : row,
      )
      const rows = await shown('dev/recording', gauged)
      expect(rows, moment).toMatchObject(gauged)
      // Nothing moved meanwhile, so that it was the truth all the time.
      expect((await moments.look()).recorded.map(({ next }) => next)).toEqual(recorded.map(({ next }) => next))
      seen.push({
        moment,
        trueLag: expected.reduce((sum, row) => sum + row.records_lag, 0),
        ours: rows.reduce((sum, row) => sum + (row.records_lag ?? Number.NaN), 0),
        ...(gauges.pendingRecords === undefined ? {} : { pendingRecords: asFigure(gauges.pendingRecords) }),
        ...(gauges.recordsLagMax === undefined ? {} : { recordsLagMax: asFigure(gauges.recordsLagMax) }),
      })
    }

    /** The page as soon as it has the line, or as it is at last. */
    async function pageWith(line: string): Promise<string> {
      for (const until = Date.now() + SHOWN_WITHIN_MS; ; await sleep(250)) {
        const page = await (await fetch(`${daemon.url}/metrics`)).text()
        if (page.includes(line) || Date.now() > until) return page
      }
    }

    /** The rows as soon as they are as expected, or as they are at last. */
    async function shown(consumer: string, expected: readonly Row[]): Promise<readonly Row[]> {
      for (const until = Date.now() + SHOWN_WITHIN_MS; ; await sleep(250)) {
        const rows = await rowsOf(consumer)
        const isSo =
          rows.length === expected.length &&
          rows.every(
            (row, at) =>
              row.position === expected[at]?.position &&
              row.records_lag === expected[at]?.records_lag &&
              row.reason === expected[at]?.reason,
          )
        if (isSo || Date.now() > until) return rows
      }
    }

    it('is right at rest, and the group of the job is not a second consumer', async () => {
      await moments.produce([300, 100])
      await moments.rest()
      await compare('at rest')
      const { jobId } = moments.recording
      const info = `stream_consumer_info{kafka_cluster="main",consumer="dev/recording",kind="flink",group="${topic}",job_id="${jobId}"} 1`
      const page = await pageWith(info)

      expect(page).toContain(info)
      expect(page).not.toContain(`{kafka_cluster="main",consumer="${topic}"`)
      expect(await rowsOf(topic)).toEqual([])
    })

    it('is right for a job that commits nothing', async () => {
      const expected = { consumer: 'dev/quiet', topic: quietTopic, partition: 0, position: 50, records_lag: 0 }

      expect(await shown('dev/quiet', [expected])).toMatchObject([expected])
      expect(await quiet.positions()).toMatchObject([{ partition: 0, next: 50n }])
    })

    it('is right to the record for a job that is stuck', async () => {
      await moments.block([0, 400])
      await compare('held on one record')
    })

    it('is right under back-pressure', async () => {
      await moments.drain()
      await moments.press([3_000, 1_000])
      await compare('held by back-pressure')
    })

    it('is right after all TaskManagers were killed and replaced, and before a record came', async () => {
      await moments.rest()
      await compare('at rest again')
      await moments.restart()
      await compare('restored, no new record')
    })

    it('is right once records come again, and after a TaskManager more', async () => {
      await moments.produce([7, 5])
      await moments.rest()
      await compare('after the restart')
      results.end?.(moments.recording.reader === 'source' ? 'KafkaSource' : 'legacy', seen)
    })

    it('lists exactly the processes that live', async () => {
      const ids = () => flink.taskManagers().map(({ id }) => id)
      const listed = async (): Promise<readonly string[]> => {
        const answer = await fetch(`${daemon.url}/sd/v1/targets?kind=flink-tm`)
        const groups: readonly { labels: Readonly<Record<string, string>> }[] = JSON.parse(await answer.text())
        return groups.flatMap(({ labels }) => labels['__meta_lagkeeper_instance'] ?? [])
      }
      for (const until = Date.now() + SHOWN_WITHIN_MS; Date.now() < until; await sleep(500))
        if ((await listed()).length === ids().length) break

      expect((await listed()).toSorted()).toEqual(ids().toSorted())
    })

    it('goes on by the commits of its group when the job is cancelled, and is gone without one', async () => {
      await flink.cancel(moments.recording.jobId)
      await flink.cancel(quiet.jobId)
      const stopped = (await moments.look()).recorded.map(({ next }) => Number(next))
      await moments.produce([10, 20])

      const left = stopped.map((position, partition) => ({
        ...{ consumer: 'dev/recording', topic, partition, position },
        records_lag: [10, 20][partition] ?? 0,
      }))
      expect(await shown('dev/recording', left)).toMatchObject(left)
      // The oldest legacy consumer commits also for a job that names no group: by those commits it is shown then.
      const commits = version === '1.11.4'
      const page = await pageWith(
        `stream_consumer_present{kafka_cluster="main",consumer="dev/quiet"} ${commits ? 1 : 0}`,
      )
      if (!commits) expect(await shown('dev/quiet', [])).toEqual([])
      expect(page).toContain('stream_job_present{flink_cluster="dev",flink_job="recording"} 0')
      expect(page).toContain('stream_job_expected_running{flink_cluster="dev",flink_job="recording"} 0')
      expect(page).toContain('stream_consumer_present{kafka_cluster="main",consumer="dev/quiet"} 0')
    })
  })
}

/** The one that was written down last. */
function last(recorded: readonly RecordedPosition[]): RecordedPosition | undefined {
  return recorded.toSorted((a, b) => b.at - a.at)[0]
}
