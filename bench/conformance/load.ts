import { type EdgeLoad, edgeLoad } from '../../test/loads/edge-load.ts'
import type { KafkaRig } from '../../test/rigs/kafka.ts'
import { type GroupPosition, type RigClient, startRigClient } from '../../test/rigs/rig-client.ts'
import { writeOrphanedCommits } from './orphaned-commits.ts'
import { type TruthRow, truthOf } from './truth.ts'

/** `offsets.topic.num.partitions` of the rig. */
const OFFSETS_PARTITIONS = 5

export interface ConformanceLoad {
  readonly truth: readonly TruthRow[]
  /** Ends what stays open, and the client that holds it. */
  close(): Promise<void>
}

/** The edge load, and a deleted topic with commits left on it, on a broker that is restarted for that. */
export async function conformanceLoad(kafka: KafkaRig): Promise<ConformanceLoad> {
  await leaveOrphans(kafka)
  // A client that has not seen the restart.
  const rig = await startRigClient(kafka)
  try {
    const load = await edgeLoad(rig)
    const close = async (): Promise<void> => {
      await load.close()
      await rig.stop()
    }
    return { truth: await makeTruth(rig, load), close }
  } catch (error) {
    await rig.stop()
    throw error
  }
}

async function makeTruth(rig: RigClient, load: EdgeLoad): Promise<readonly TruthRow[]> {
  await rig.commit('of-the-gone', [{ topic: 'orders', partition: 0, offset: 60n }])
  const truth = truthOf(
    await rig.oracle([...load.groups, 'of-the-gone']),
    load.live.map((group) => ({ group, topic: 'orders' })),
  )
  const orphans = truth.filter(({ why }) => why === 'topic_deleted').length
  if (orphans !== 2) throw new Error(`Leave commits on a deleted topic: the broker has ${orphans} of them, expected 2`)
  return truth
}

async function leaveOrphans(kafka: KafkaRig): Promise<void> {
  const orphans: readonly GroupPosition[] = [0, 1].map((partition) => ({
    group: 'of-the-gone',
    topic: 'gone',
    partition,
    offset: BigInt(3 + partition),
  }))
  await using rig = await startRigClient(kafka)
  await rig.createTopics([{ name: 'gone', partitions: 2 }])
  // Makes the offsets topic. By another group: a tombstone of ours, which comes some time after the delete, would win.
  await rig.commit('of-the-doomed', [{ topic: 'gone', partition: 0, offset: 3n }])
  await rig.deleteTopics(['gone'])
  await writeOrphanedCommits(kafka.bootstrap, orphans, OFFSETS_PARTITIONS)
  for (const broker of kafka.brokers) await broker.restart()
}
