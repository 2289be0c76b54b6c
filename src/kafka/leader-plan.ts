import { type Catalog, topicNamed } from '../model/catalog.ts'
import { breather } from '../runtime/breathe.ts'

/** A topic in one request to the leader of these partitions. */
export interface AskedTopic {
  readonly name: string
  readonly partitions: Int32Array
}

/** Requests by the broker that leads what they ask about. */
export type LeaderPlan = ReadonlyMap<number, readonly AskedTopic[][]>

/** Rows of one request: about 2 MiB of answer, so that writing it and reading it each take a few milliseconds. */
const ROWS_PER_REQUEST = 100_000

/** By the column of leaders, which a catalog has from the one before it when nothing has changed. */
const plans = new WeakMap<Int32Array, LeaderPlan>()

/** The requests for every row of a catalog, made once: metadata outlives many cycles. */
export async function planOf(catalog: Catalog): Promise<LeaderPlan> {
  const known = plans.get(catalog.leader)
  if (known !== undefined) return known
  const plan = await byLeader(catalog, catalog.leader, undefined)
  plans.set(catalog.leader, plan)
  return plan
}

/** The rows to ask for, by leader, in requests of bounded size. Rows without a leader are not asked for. */
export async function byLeader(
  catalog: Catalog,
  leader: Int32Array,
  only: readonly number[] | undefined,
): Promise<LeaderPlan> {
  const wanted = only === undefined ? undefined : new Set(only)
  const breathe = breather()
  const plan = new Map<number, { rows: number; readonly batches: AskedTopic[][]; readonly partitions: number[] }>()
  for (const topic of catalog.topics) {
    await breathe()
    for (let partition = 0; partition < topic.partitions; partition++) {
      const row = topic.firstRow + partition
      const node = leader[row]!
      if (node < 0 || (wanted !== undefined && !wanted.has(row))) continue
      let of = plan.get(node)
      if (of === undefined) {
        of = { rows: ROWS_PER_REQUEST, batches: [], partitions: [] }
        plan.set(node, of)
      }
      of.partitions.push(partition)
    }
    for (const of of plan.values()) {
      const rows = of.partitions.length
      if (rows === 0) continue
      if (of.rows + rows > ROWS_PER_REQUEST) {
        of.rows = 0
        of.batches.push([])
      }
      of.rows += rows
      of.batches.at(-1)?.push({ name: topic.name, partitions: Int32Array.from(of.partitions) })
      of.partitions.length = 0
    }
  }
  return new Map([...plan].map(([node, { batches }]) => [node, batches]))
}

/** Questions about single partitions: by the broker that leads them, then by topic and partition. */
type LeaderQuestions<Question> = ReadonlyMap<number, ReadonlyMap<string, ReadonlyMap<number, Question>>>

/**
 * At most one question a partition, since answers repeat no more than topic and partition: others have their turn later.
 * What the catalog does not have, or nobody leads, is not asked about.
 */
export function questionsByLeader<Question extends { readonly topic: string; readonly partition: number }>(
  catalog: Catalog,
  questions: readonly Question[],
): LeaderQuestions<Question> {
  const found = new Map<number, Map<string, Map<number, Question>>>()
  for (const question of questions) {
    const topic = topicNamed(catalog, question.topic)
    if (topic === undefined || question.partition >= topic.partitions) continue
    const leader = catalog.leader[topic.firstRow + question.partition]!
    if (leader < 0) continue
    const topics = found.get(leader) ?? new Map<string, Map<number, Question>>()
    found.set(leader, topics)
    const asked = topics.get(topic.name) ?? new Map<number, Question>()
    topics.set(topic.name, asked)
    if (!asked.has(question.partition)) asked.set(question.partition, question)
  }
  return found
}
