import type { Objective } from '../model/objective.ts'
import type { SnapshotPart } from '../model/snapshot.ts'
import { breather } from '../runtime/breathe.ts'

/** What is promised for the consumers and topics of a cycle; others run in between. */
export async function objectivesOf(
  parts: readonly SnapshotPart[],
  promised: (consumer: string, topic: string) => readonly Objective[],
): Promise<readonly Objective[]> {
  const breathe = breather()
  const objectives: Objective[] = []
  for (const { batch } of parts) {
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const consumer = batch.consumers[batch.blockConsumer[block]!]!.name
      objectives.push(...promised(consumer, batch.topics[batch.blockTopic[block]!]!.name))
      // The first look at a schedule may take many milliseconds.
      await breathe()
    }
  }
  return objectives
}
