import { filterLabel } from '../flink/filter-label.ts'
import { shownTopics } from '../flink/shown-topics.ts'
import { type CatalogTopic, topicNamed } from '../model/catalog.ts'
import { type ConsumerJudgement, consumerJudgement, worseOff } from '../model/judgement.ts'
import { judgementAt } from '../model/judgements.ts'
import { heldIndex, isFresh, type Snapshot } from '../model/snapshot.ts'
import { breather, runInTurns } from '../runtime/breathe.ts'

/** What the last snapshot of one Kafka cluster says of the topics and lags of Flink jobs. */
export interface JobLags {
  /** Partitions of the one topic that pages may show so; undefined when there is none, or more than one. */
  partitionsOf(shown: string): number | undefined
  /** Whether there is any topic, read or not, that a page or REST may show so. */
  mayHave(shown: string): boolean
  /** Records lag of a job, fresh or held; undefined when unknown. */
  lagOf(consumer: string, shown: string, partition: number): number | undefined
  /** How a job is doing; undefined when nobody judges it. */
  judged(consumer: string): ConsumerJudgement | undefined
}

/** Made once for each snapshot; others run in between. */
export function createJobLags(): (snapshot: Snapshot) => Promise<JobLags> {
  let last: { readonly snapshot: Snapshot; readonly lags: Promise<JobLags> } | undefined

  async function make(snapshot: Snapshot): Promise<JobLags> {
    const { catalog } = snapshot
    const shown = await runInTurns(shownTopics(catalog))
    const { lags, judged } = await ofJobs(snapshot)

    /** Pages without a filter have the names as they are; where one of them is what another is shown as, nobody can tell. */
    function topicOf(name: string): CatalogTopic | undefined {
      const [only, ...more] = shown.get(name) ?? [name]
      return more.length > 0 ? undefined : topicNamed(catalog, only ?? name)
    }

    return {
      mayHave: (name) => {
        const alike = shown.get(filterLabel(name)) ?? []
        // No filter leaves a dot.
        return name.includes('.') ? alike.includes(name) : alike.length > 0
      },
      partitionsOf: (name) => topicOf(name)?.partitions,
      lagOf: (consumer, name, partition) =>
        // A topic that the cluster does not have, or not alone, stands in a row under the name that is shown.
        lags
          .get(consumer)
          ?.get(topicOf(name)?.name ?? name)
          ?.get(partition),
      judged: (consumer) => judged.get(consumer),
    }
  }

  return (snapshot) => {
    if (last?.snapshot !== snapshot) last = { snapshot, lags: make(snapshot) }
    return last.lags
  }
}

type Lags = Map<string, Map<string, Map<number, number>>>

/** By consumer, of jobs only. */
async function ofJobs(snapshot: Snapshot) {
  const breathe = breather()
  const lags: Lags = new Map()
  const judged = new Map<string, ConsumerJudgement>()
  for (const part of snapshot.parts) {
    const { batch } = part
    for (let block = 0; block < batch.blockConsumer.length; block++) {
      const { name, kind } = batch.consumers[batch.blockConsumer[block]!]!
      if (kind !== 'flink') continue
      const topics = lags.get(name) ?? new Map<string, Map<number, number>>()
      lags.set(name, topics)
      const of = new Map<number, number>()
      topics.set(batch.topics[batch.blockTopic[block]!]!.name, of)
      if (part.judgements !== undefined) {
        const one = consumerJudgement(name, judgementAt(part.judgements, block))
        const other = judged.get(name)
        judged.set(name, other === undefined ? one : worseOff(other, one))
      }
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
        const held = isFresh(part, row) ? -1 : heldIndex(part, row)
        if (isFresh(part, row)) of.set(batch.partition[row]!, part.lag[row]!)
        else if (held >= 0) of.set(batch.partition[row]!, part.held.lag[held]!)
      }
    }
    await breathe()
  }
  return { lags, judged }
}
