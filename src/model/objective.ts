export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

/** What may be promised: at least one of them is. */
export interface Promised {
  /** Largest sum over the partitions of the topic. */
  readonly records?: number
  /** Largest time lag of any partition of the topic. */
  readonly seconds?: number
}

/** The lag somebody promised for a consumer on a topic: the values that hold now, one objective per severity. */
export interface Objective extends Promised {
  readonly consumer: string
  readonly topic: string
  readonly owner: string
  readonly severity: Severity
}

const none: readonly Objective[] = []
const PER_STEP = 1_024

/** The objectives by consumer and topic. Yields now and then, for others to run. */
export function* objectivesBy(
  objectives: readonly Objective[],
): Generator<void, (consumer: string, topic: string) => readonly Objective[]> {
  const by = new Map<string, Map<string, Objective[]>>()
  for (const [index, objective] of objectives.entries()) {
    if (index % PER_STEP === 0) yield
    const topics = by.get(objective.consumer) ?? new Map<string, Objective[]>()
    by.set(objective.consumer, topics)
    topics.set(objective.topic, [...(topics.get(objective.topic) ?? []), objective])
  }
  return (consumer, topic) => by.get(consumer)?.get(topic) ?? none
}
