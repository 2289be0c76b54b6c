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
import { type RecordingMoments, recordingMoments } from './recording-moments.ts'

/** What is true and what is shown of one job, read so that nothing moves in between as long as the job stands still. */
interface FlinkMoment {
  readonly recorded: readonly RecordedPosition[]
  readonly gauges: JobGauges
  readonly oracle: Oracle
}

/** A recording job on a Flink of ours, which can be looked at and restarted besides. */
export interface FlinkMoments extends Pick<RecordingMoments, 'produce' | 'rest' | 'block' | 'press'> {
  readonly recording: Recording
  /**
   * As `rest`, without waiting for commits, but for a checkpoint after the last record. An idle KafkaSource sends what a
   * checkpoint wants committed only when its poll of ten seconds is over.
   */
  drain(): Promise<void>
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

  const moments = recordingMoments(recording, client, { topic, group })

  return {
    recording,
    ...moments,
    drain: async () => {
      await recording.sourceGate.open()
      await recording.sinkGate.open()
      await until(`all of "${topic}" to be read`, async () => {
        const [{ ends }, positions] = [await moments.oracle(), await recording.positions()]
        return ends.every(
          ({ partition, end }) => end === 0n || positions.find((row) => row.partition === partition)?.next === end,
        )
      })
      await flink.awaitCheckpoint(recording.jobId)
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
    look: async () => {
      const recorded = await recording.positions()
      const gauges = await jobGauges(flink, recording.jobId)
      return { recorded, gauges, oracle: await moments.oracle() }
    },
  }
}
