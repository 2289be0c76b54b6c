import { setTimeout as sleep } from 'node:timers/promises'
import type { FlinkRig } from '../rigs/flink.ts'
import { type JobGauges, jobGauges } from '../rigs/flink-gauges.ts'
import {
  type RecordedPosition,
  type Recording,
  type RecordingOptions,
  startRecording,
} from '../rigs/flink-recording.ts'
import { until } from '../rigs/flink-wait.ts'
import type { Oracle, RigClient } from '../rigs/rig-client.ts'

/** What is true and what is shown of one job, read so that nothing moves in between as long as the job stands still. */
interface FlinkMoment {
  readonly recorded: readonly RecordedPosition[]
  readonly gauges: JobGauges
  readonly oracle: Oracle
}

/** A recording job that is brought into the states in which what is shown and what is true part. */
export interface FlinkMoments {
  readonly recording: Recording
  /** So many records into each partition, in order. */
  produce(counts: readonly number[]): Promise<void>
  /** All gates open, and everything read and committed; the gauges have had the time of a checkpoint to say so. */
  rest(): Promise<void>
  /** Holds the source's task at its next record, with so many records to come: no poll, no checkpoint. */
  block(counts: readonly number[]): Promise<void>
  /** Back-pressure from a task behind the source, which stands still with so many records partly read. */
  press(counts: readonly number[]): Promise<void>
  /** Kills all TaskManagers and starts as many new ones; settles when the job runs again on them. */
  restart(): Promise<void>
  look(): Promise<FlinkMoment>
}

/** Creates the topic, starts the job on it with a group of the topic's name, and waits until it runs. */
export async function flinkMoments(
  flink: FlinkRig,
  client: RigClient,
  options: Omit<RecordingOptions, 'topics'> & { readonly topic: string; readonly partitions: number },
): Promise<FlinkMoments> {
  const { topic, partitions, group = topic } = options
  await client.createTopics([{ name: topic, partitions }])
  const recording = await startRecording(flink, { ...options, topics: [topic], group })

  const produce = (counts: readonly number[]) =>
    client.produceMany(counts.map((count, partition) => ({ topic, partition, count })).filter(({ count }) => count > 0))
  const ends = async () => {
    const { ends: all, committed } = await client.oracle([group])
    return { ends: all.filter((row) => row.topic === topic), committed }
  }
  const look = async (): Promise<FlinkMoment> => {
    const recorded = await recording.positions()
    const gauges = await jobGauges(flink, recording.jobId)
    return { recorded, gauges, oracle: await ends() }
  }
  const allRead = async () => {
    const { ends: logs, committed } = await ends()
    const positions = await recording.positions()
    return logs.every(({ partition, end }) => {
      const isHere = (row: { readonly partition: number }) => row.partition === partition
      return end === 0n || (positions.find(isHere)?.next === end && committed.find(isHere)?.offset === end)
    })
  }
  const standsStill = async () => {
    const before = placesOf(await recording.positions())
    await sleep(1_500)
    return before !== '' && before === placesOf(await recording.positions())
  }
  return {
    recording,
    produce,
    rest: async () => {
      await recording.sourceGate.open()
      await recording.sinkGate.open()
      await until(`all of "${topic}" to be read and committed`, allRead)
      // The gauge of what is committed comes after the commit.
      await sleep(500)
    },
    block: async (counts) => {
      await recording.sourceGate.close()
      const before = placesOf(await recording.positions())
      await produce(counts)
      await until('a record to be held', async () => placesOf(await recording.positions()) !== before)
    },
    press: async (counts) => {
      await recording.sinkGate.close()
      await produce(counts)
      await until('the source to stand still', standsStill)
    },
    restart: async () => {
      const count = flink.taskManagers().length
      const attempt = Math.max(0, ...(await recording.positions()).map((row) => row.attempt))
      for (let left = count; left > 0; left--) await flink.killTaskManager(0)
      await Promise.all(Array.from({ length: count }, () => flink.addTaskManager()))
      // What a new attempt writes first is from where it was restored.
      const isBack = async () => (await recording.positions()).some((row) => row.attempt > attempt)
      await until('the job to be restored', isBack)
      await flink.awaitRunning(recording.jobId)
    },
    look,
  }
}

function placesOf(positions: readonly RecordedPosition[]): string {
  return positions.map(({ partition, next, attempt }) => `${attempt}/${partition}:${next}`).join(' ')
}
