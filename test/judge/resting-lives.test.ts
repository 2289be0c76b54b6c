import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicJudgement } from '../../src/model/judgement.ts'
import { INTERVAL, remembered, type Seen, watch } from './watched.ts'

const START = 1_000_000
const MINUTE = 60_000
const names = ['a', 'b', 'c', 'd'] as const
type Positions = Record<string, Record<string, Record<number, number | 'no_position' | 'timeout'>>>

/** A cluster of three topics, and who reads them; written over as life goes on. */
interface Cluster {
  readonly topics: Map<string, { id: string; readonly ends: number[]; readonly starts: number[]; isHidden: boolean }>
  readonly consumers: Map<
    string,
    {
      members: number | undefined
      broker: number
      isAway: boolean
      readonly at: Map<string, (number | 'no_position')[]>
    }
  >
  isCutOff: boolean
  isBackwards: boolean
  made: number
}

function newCluster(): Cluster {
  const topics = new Map(
    ['t', 'u', 'v'].map((name) => [name, { id: name, ends: [100, 50], starts: [0, 0], isHidden: false }]),
  )
  const consumers = new Map(
    names.map((name, index) => {
      const its = new Map(['t', 'u', 'v'].slice(0, 1 + (index % 3)).map((topic) => [topic, [100, 50] as number[]]))
      return [name, { members: 1, broker: index % 2, isAway: false, at: its }]
    }),
  )
  return { topics, consumers, isCutOff: false, isBackwards: false, made: 0 }
}

/** What may happen in a stretch of time: at its beginning, and in each of its cycles. */
const events: Readonly<Record<string, (cluster: Cluster, who: string, topic: string, cycle: number) => void>> = {
  nothing: () => undefined,
  'all read': ({ topics, consumers }, _, topic) => {
    const its = topics.get(topic)!
    its.ends[0]! += 150
    for (const { at } of consumers.values()) if (at.has(topic)) at.set(topic, [...its.ends])
  },
  'one stands': ({ topics, consumers }, who, topic) => {
    const its = topics.get(topic)!
    its.ends[0]! += 150
    for (const [name, { at }] of consumers) if (name !== who && at.has(topic)) at.set(topic, [...its.ends])
  },
  'one commits every minute': ({ topics, consumers }, who, topic, cycle) => {
    topics.get(topic)!.ends[0]! += 30
    if (cycle % 4 === 0) consumers.get(who)!.at.set(topic, [...topics.get(topic)!.ends])
  },
  'one is set back': ({ consumers }, who, _, cycle) => {
    for (const at of cycle === 0 ? consumers.get(who)!.at.values() : []) if (typeof at[0] === 'number') at[0] -= 20
  },
  'one comes to another broker': ({ consumers }, who, _, cycle) => {
    if (cycle === 0) consumers.get(who)!.broker = 1 - consumers.get(who)!.broker
  },
  'brokers answer in another order': (cluster, _, __, cycle) => {
    if (cycle === 0) cluster.isBackwards = !cluster.isBackwards
  },
  'one goes, or comes back': ({ consumers }, who, _, cycle) => {
    if (cycle === 0) consumers.get(who)!.isAway = !consumers.get(who)!.isAway
  },
  'one reads another topic': ({ topics, consumers }, who, topic, cycle) => {
    if (cycle === 0) consumers.get(who)!.at.set(topic, [...topics.get(topic)!.ends])
  },
  'a partition is added': ({ topics, consumers }, who, topic, cycle) => {
    if (cycle > 0) return
    topics.get(topic)!.ends.push(7)
    topics.get(topic)!.starts.push(0)
    if (consumers.get(who)!.at.has(topic)) consumers.get(who)!.at.get(topic)!.push(7)
  },
  'a topic is hidden': ({ topics }, _, topic, cycle) => {
    topics.get(topic)!.isHidden = cycle < 20
  },
  'a topic is made anew': (cluster, who, topic, cycle) => {
    const its = cluster.topics.get(topic)!
    if (cycle === 0) {
      its.id = `${topic}${++cluster.made}`
      its.ends.splice(0, 2, 30, 0)
      its.starts.fill(0)
    }
    if (cycle === 3) for (const { at } of cluster.consumers.values()) if (at.has(topic)) at.set(topic, [...its.ends])
    if (cycle > 3 && cycle % 2 === 0) its.ends[0]! += 10
    if (cycle > 3) cluster.consumers.get(who)!.at.set(topic, [...its.ends])
  },
  'no log end can be read': (cluster, _, __, cycle) => {
    cluster.isCutOff = cycle < 8
  },
  'members leave': ({ consumers }, who, _, cycle) => {
    if (cycle === 0) consumers.get(who)!.members = 0
  },
  'members are not known': ({ consumers }, who, _, cycle) => {
    if (cycle === 0) consumers.get(who)!.members = undefined
  },
  'retention takes all of it': ({ topics }, _, topic) => {
    const its = topics.get(topic)!
    its.ends[1]! += 5
    for (const [index, end] of its.ends.entries()) its.starts[index] = end
  },
}

function seenOf({ topics, consumers, isCutOff, isBackwards }: Cluster): Seen {
  const there = [...topics].filter(([, { isHidden }]) => !isHidden)
  const answers: Positions[] = [{}, {}, {}]
  for (const [name, { at, broker, isAway }] of consumers)
    if (!isAway) answers[broker]![name] = Object.fromEntries([...at].map(([topic, rows]) => [topic, { ...rows }]))
  return {
    ends: Object.fromEntries(there.map(([name, { ends }]) => [name, isCutOff ? ends.map(() => 'timeout') : [...ends]])),
    starts: Object.fromEntries(there.map(([name, { starts }]) => [name, [...starts]])),
    ids: Object.fromEntries(there.map(([name, { id }]) => [name, id])),
    positions: isBackwards ? answers.toReversed() : answers,
    members: Object.fromEntries(
      [...consumers].flatMap(([name, { members }]) => (members === undefined ? [] : [[name, members]])),
    ),
  }
}

/** The stretches of a floor begin at other cycles, and so do samples: what follows from them comes a stretch later at most. */
const STRETCH = 210_000

/** What does not follow from them. */
function sure({ timeLag, positionChangedAt, commitInterval, headroomRecords, rewinds }: TopicJudgement): object {
  return { timeLag, positionChangedAt, commitInterval, headroomRecords, rewinds }
}

/** One that lets its consumers rest, and one that does not. */
function newWorlds() {
  const [resting, restless] = [watch(), watch({ isRestless: true })]
  /** Cycles for which their statuses have differed. */
  const differed = new Map<string, number>()
  function compare(consumer: string, topic: string, at: number): void {
    const place = `${consumer} on ${topic} after ${(at - START) / INTERVAL} cycles`
    const [one, other] = [resting.of(consumer, topic), restless.of(consumer, topic)]
    // An expectation takes as long as a cycle.
    if (!isDeepStrictEqual(sure(one), sure(other))) expect(sure(one), place).toEqual(sure(other))
    const [its, others] = [remembered(resting.judge, consumer, topic), remembered(restless.judge, consumer, topic)]
    // Looked at in this cycle.
    if (its?.lastAt === at && !isDeepStrictEqual(its, others)) expect(its, place).toEqual(others)
    const times = one.status === other.status ? 0 : (differed.get(`${consumer} ${topic}`) ?? 0) + 1
    differed.set(`${consumer} ${topic}`, times)
    if (times > STRETCH / INTERVAL) expect.fail(`${place}: ${one.status}, and not ${other.status}`)
  }
  return {
    look: (cluster: Cluster, at: number): void => {
      const seen = seenOf(cluster)
      for (const world of [resting, restless]) world.see(at, seen)
      for (const [name, { at: topics, isAway }] of cluster.consumers)
        for (const topic of isAway ? [] : topics.keys()) compare(name, topic, at)
    },
  }
}

describe('the consumers of a cluster, whatever happens', () => {
  it('are judged as those that are looked at in every cycle', () => {
    const stretch = fc.record({
      event: fc.constantFrom(...Object.keys(events)),
      who: fc.constantFrom(...names),
      topic: fc.constantFrom('t', 'u', 'v'),
      minutes: fc.integer({ min: 1, max: 20 }),
      /** Long enough to rest in one of two. */
      quiet: fc.constantFrom(0, 2, 15, 17, 22),
      /** Cycles that did not come to an end. */
      missed: fc.constantFrom(0, 0, 0, 1, 2, 40),
    })
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 1, maxLength: 7 }), (stretches) => {
        const worlds = newWorlds()
        const cluster = newCluster()
        let at = START
        const look = (): void => {
          worlds.look(cluster, at)
          at += INTERVAL
        }
        for (let cycle = 0; cycle < 60; cycle++) look()
        for (const { event, who, topic, minutes, quiet, missed } of stretches) {
          for (let cycle = 0; cycle < (minutes * MINUTE) / INTERVAL; cycle++) {
            events[event]!(cluster, who, topic, cycle)
            look()
          }
          at += missed * INTERVAL
          cluster.isCutOff = false
          for (const one of cluster.topics.values()) one.isHidden = false
          for (let cycle = 0; cycle < (quiet * MINUTE) / INTERVAL; cycle++) look()
        }
      }),
      { numRuns: 8 },
    )
  }, 120_000)
})
