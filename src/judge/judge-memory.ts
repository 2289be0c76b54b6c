import type { Consumer } from '../model/consumer.ts'
import { Movement, partitionsOf, skipTime } from './movement.ts'

/** What is remembered of a consumer. Written by the judge only. */
export interface ConsumerMemory {
  hadMembers: boolean
  /** Live members when they were last known. */
  members: number | undefined
  readonly topics: Map<string, Movement>
}

export function newConsumerMemory(): ConsumerMemory {
  return { hadMembers: false, members: undefined, topics: new Map() }
}

export function rememberedConsumer(consumers: Map<string, ConsumerMemory>, name: string): ConsumerMemory {
  let memory = consumers.get(name)
  if (memory === undefined) {
    memory = newConsumerMemory()
    consumers.set(name, memory)
  }
  return memory
}

export function takeMembers(memory: ConsumerMemory, { members }: Consumer): void {
  if (members === undefined) return
  memory.members = members
  if (members > 0) memory.hadMembers = true
}

/**
 * The movement of a consumer on a topic; a new one for another topic of the same name.
 *
 * @param known the one there was; undefined at first sight
 * @param isRecreated the topic was deleted and created again since the last cycle
 */
export function takeMovement(
  { topics }: ConsumerMemory,
  known: Movement | undefined,
  name: string,
  id: string | undefined,
  isRecreated: boolean,
  now: number,
  intervalMs: number,
): Movement {
  const isAnother =
    known !== undefined && (isRecreated || (known.topicId !== undefined && id !== undefined && known.topicId !== id))
  if (known === undefined || isAnother) {
    const begun = new Movement(now, id)
    if (known !== undefined) begun.rewinds = known.rewinds
    topics.set(name, begun)
    return begun
  }
  known.topicId ??= id
  const away = now - known.lastAt - 2 * intervalMs
  if (away > 0) {
    for (let partition = 0; partition < partitionsOf(known); partition++) skipTime(known, partition, away)
    known.waitsSince += away
    // Not to be added once more where nothing is seen of the topic in this cycle, either.
    known.lastAt += away
  }
  return known
}

export function movesElsewhere({ topics }: ConsumerMemory, here: Movement, since: number): boolean {
  if (topics.size === 1) return false
  for (const movement of topics.values()) if (movement !== here && movement.movedAt >= since) return true
  return false
}

/** Consumers and topics that nobody has met for so long are forgotten. */
const FORGET_MS = 24 * 3_600_000
const CONSUMERS_PER_STEP = 1_024

export function* forgetAbsent(consumers: Map<string, ConsumerMemory>, now: number): Generator<void> {
  let count = 0
  for (const [name, { topics }] of consumers) {
    if (count++ % CONSUMERS_PER_STEP === 0) yield
    for (const [topic, { lastAt }] of topics) if (now - lastAt > FORGET_MS) topics.delete(topic)
    if (topics.size === 0) consumers.delete(name)
  }
}
