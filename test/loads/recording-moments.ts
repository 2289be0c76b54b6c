import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordedPosition, Recording } from '../rigs/flink-recording.ts'
import { until } from '../rigs/flink-wait.ts'
import type { Oracle, RigClient } from '../rigs/rig-client.ts'

/** A recording job, wherever it runs, that is brought into the states in which what is shown and what is true part. */
export interface RecordingMoments {
  /** So many records into each partition, in order. */
  produce(counts: readonly number[]): Promise<void>
  /** All gates open, and everything read and committed; the gauges have had the time of a checkpoint to say so. */
  rest(): Promise<void>
  /** Holds the source's task at its next record, with so many records to come: no poll, no checkpoint. */
  block(counts: readonly number[]): Promise<void>
  /** Back-pressure from a task behind the source, which stands still with so many records partly read. */
  press(counts: readonly number[]): Promise<void>
  /** Ends of the topic, and what the group has committed, if there is one. */
  oracle(): Promise<Oracle>
}

/** The topic is there, and the job reads it, with `group` if it has one. */
export function recordingMoments(
  recording: Pick<Recording, 'sourceGate' | 'sinkGate' | 'positions'>,
  client: RigClient,
  { topic, group }: { readonly topic: string; readonly group?: string },
): RecordingMoments {
  const produce = (counts: readonly number[]) =>
    client.produceMany(counts.map((count, partition) => ({ topic, partition, count })).filter(({ count }) => count > 0))
  const oracle = async () => {
    const { ends: all, committed } = await client.oracle(group === undefined ? [] : [group])
    return { ends: all.filter((row) => row.topic === topic), committed }
  }
  const allRead = async () => {
    const { ends: logs, committed } = await oracle()
    const positions = await recording.positions()
    return logs.every(({ partition, end }) => {
      const isHere = (row: { readonly partition: number }) => row.partition === partition
      const isCommitted = group === undefined || committed.find(isHere)?.offset === end
      return end === 0n || (positions.find(isHere)?.next === end && isCommitted)
    })
  }
  const standsStill = async () => {
    const before = placesOf(await recording.positions())
    await sleep(1_500)
    return before !== '' && before === placesOf(await recording.positions())
  }
  return {
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
    oracle,
  }
}

function placesOf(positions: readonly RecordedPosition[]): string {
  return positions.map(({ partition, next, attempt }) => `${attempt}/${partition}:${next}`).join(' ')
}
