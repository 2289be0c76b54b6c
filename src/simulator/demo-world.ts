import { offsetNumber } from '../model/offsets.ts'
import { type ConsumerPlan, consumerPlans, type TopicPlan, topicPlans, VANISHES_AFTER_SECONDS } from './demo-plan.ts'
import type { KafkaState } from './kafka-state.ts'

/** Records that each partition kept from before the demo began, and the offset at which they begin. */
const KEPT = 50_000
const FIRST_OFFSET = 1_000_000
const FAR_BEYOND = 100_000

/** A consumer of the demo as it stands now. */
export interface DemoConsumer {
  readonly plan: ConsumerPlan
  readonly reading: readonly Reading[]
}

/** How far a consumer is in one topic: next offsets, an entry a partition; −1 where it is nowhere. */
interface Reading {
  readonly topic: TopicPlan
  /** What it has read, checkpoint or not. */
  readonly position: Float64Array
  readonly committed: Float64Array
}

export interface DemoWorld {
  readonly consumers: readonly DemoConsumer[]
  /** Seconds that have passed. */
  seconds(): number
  /** Lets one second pass: records are produced, consumers read, some commit. */
  tick(): void
}

/**
 * Makes topics and groups in an empty cluster, and from then on moves them.
 *
 * @param now milliseconds of the wall clock, for the timestamps of what was there before
 */
export function createDemoWorld(state: KafkaState, random: () => number, now: () => number): DemoWorld {
  let seconds = 0
  for (const topic of topicPlans) {
    const { name, partitions, retentionSeconds } = topic
    state.createTopic(name, partitions)
    if (retentionSeconds !== undefined) state.setConfig(name, 'retention.ms', String(retentionSeconds * 1_000))
    for (let partition = 0; partition < partitions; partition++) {
      const start = BigInt(FIRST_OFFSET + Math.floor(random() * KEPT))
      state.setLog(name, partition, start, start)
      fill(state, topic, partition, now())
    }
  }
  const consumers = consumerPlans.map((plan) => startConsumer(state, plan))

  return {
    consumers,
    seconds: () => seconds,
    tick() {
      seconds++
      for (const topic of topicPlans) {
        produce(state, topic, random)
        expire(state, topic)
      }
      for (const [index, consumer] of consumers.entries()) {
        const { group, kind } = consumer.plan
        if (kind === 'vanishes' && seconds >= VANISHES_AFTER_SECONDS) {
          if (seconds === VANISHES_AFTER_SECONDS) state.removeGroup(group)
          continue
        }
        read(state, consumer, seconds)
        // Each at seconds of its own, so that not everything moves at once.
        if ((seconds + index) % consumer.plan.commitEverySeconds === 0) commit(state, consumer)
      }
    },
  }
}

/** Records in each stretch of time that a log is filled with. */
const STRETCH = 100

/** The records from before the demo began, as old as the rate of the topic makes them. */
function fill(
  state: KafkaState,
  { name, partitions, perSecond, retentionSeconds }: TopicPlan,
  partition: number,
  now: number,
): void {
  const rate = perSecond / partitions
  const records = retentionSeconds === undefined ? KEPT : Math.floor(rate * retentionSeconds)
  for (let left = records; left > 0; left -= STRETCH)
    state.append(name, partition, Math.min(STRETCH, left), Math.round(now - (left / rate) * 1_000))
}

/** Takes what is older than the retention, as far as the rate of the topic says. */
function expire(state: KafkaState, topic: TopicPlan): void {
  const { name, partitions, perSecond, retentionSeconds } = topic
  if (retentionSeconds === undefined) return
  for (let partition = 0; partition < partitions; partition++) {
    const kept = Math.floor((perSecond / partitions) * retentionSeconds)
    state.deleteRecords(name, partition, BigInt(Math.max(0, endOf(state, topic, partition) - kept)))
  }
}

function startConsumer(state: KafkaState, plan: ConsumerPlan): DemoConsumer {
  const topics = topicPlans.filter(({ name }) => plan.topics.includes(name))
  const partitionsOf = ({ name, partitions }: TopicPlan) =>
    [name, Array.from({ length: partitions }, (_, p) => p)] as const
  if (plan.kind !== 'stopped')
    state.setGroup(plan.group, {
      members: [{ clientId: plan.group, assignment: Object.fromEntries(topics.map(partitionsOf)) }],
    })
  else state.setGroup(plan.group, { protocolType: 'consumer' })

  const reading = topics.map((topic, index) => {
    const position = new Float64Array(topic.partitions)
    for (let partition = 0; partition < topic.partitions; partition++) {
      const end = endOf(state, topic, partition)
      const isFirst = index === 0
      if (isFirst && partition === plan.neverCommits) position[partition] = -1
      else if (isFirst && partition === plan.beyondEnd) position[partition] = end + FAR_BEYOND
      else position[partition] = end - Math.round(plan.behind / topic.partitions)
    }
    return { topic, position, committed: new Float64Array(topic.partitions).fill(-1) }
  })
  const consumer = { plan, reading }
  commit(state, consumer)
  return consumer
}

function produce(state: KafkaState, { name, partitions, perSecond }: TopicPlan, random: () => number): void {
  for (let partition = 0; partition < partitions; partition++) {
    const records = Math.floor((perSecond / partitions) * (0.5 + random()) + random())
    state.append(name, partition, records)
  }
}

function read(state: KafkaState, { plan, reading }: DemoConsumer, seconds: number): void {
  if (plan.bursts !== undefined && seconds % plan.bursts.period >= plan.bursts.busy) return
  for (const { topic, position } of reading) {
    const most = Math.round((topic.perSecond / topic.partitions) * plan.speed)
    for (let partition = 0; partition < topic.partitions; partition++) {
      const at = position[partition]!
      const end = endOf(state, topic, partition)
      if (at >= 0 && at < end) position[partition] = Math.min(end, at + most)
    }
  }
}

function commit(state: KafkaState, { plan, reading }: DemoConsumer): void {
  for (const { topic, position, committed } of reading)
    for (let partition = 0; partition < topic.partitions; partition++) {
      const at = position[partition]!
      if (at < 0) continue
      committed[partition] = at
      state.commit(plan.group, topic.name, partition, BigInt(at))
    }
}

function endOf(state: KafkaState, { name }: TopicPlan, partition: number): number {
  return offsetNumber(state.topics.get(name)!.end, partition)
}
