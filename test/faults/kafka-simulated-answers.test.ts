import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiName } from '../../src/kafka-wire/apis.ts'
import { type ErrorName, errorCodes } from '../../src/kafka-wire/error-codes.ts'
import { lookFor, openSimulatedWorld, type SimulatedWorld } from './kafka-simulated-world.ts'
import { removeTemporaryFolders } from './temporary-folder.ts'
import { eventually, injected } from './waiting.ts'

let world: SimulatedWorld

beforeAll(async () => {
  world = await openSimulatedWorld()
  group('neighbour', 1, 107n, 100n)
  await shows('neighbour', '7')
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await removeTemporaryFolders()
})

/** A topic of `main` with a group on each of its partitions. */
function group(topic: string, partitions: number, end: bigint, position: bigint): void {
  world.main.state.createTopic(topic, partitions)
  for (let partition = 0; partition < partitions; partition++) {
    world.main.state.setLog(topic, partition, 0n, end)
    world.main.state.commit(topic, topic, partition, position)
  }
}

/** Waits until the page has this lag; the group is named as its topic. */
const shows = (topic: string, lag: string | undefined, ms = 10_000, partition = 0): Promise<unknown> =>
  eventually(`${topic}/${partition} to show ${lag}`, ms, async () => {
    const shown = await world.lag(topic, topic, partition)
    return shown === lag
  })

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

/** Answers of these APIs carry `wrong` where `right` stands, until the result is called; it says how many were changed. */
function replaceOffset(right: bigint, wrong: bigint, ...names: readonly ApiName[]): () => number {
  const [from, to] = [int64(right), int64(wrong)]
  let changed = 0
  world.main.faults.lie(({ api, bytes }) => {
    if (!names.includes(api)) return bytes
    for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 8)) {
      to.copy(bytes, at)
      changed++
    }
    return bytes
  })
  return () => {
    world.main.faults.lie(undefined)
    return changed
  }
}

/** How many partitions of a group (named as its topic) are in a state. */
const partitionsIn = async (topic: string, state: string): Promise<number> =>
  Number(
    (await world.value('stream_consumer_partitions', { kafka_cluster: 'main', consumer: topic, topic, state })) ?? 0,
  )

const errorsOf = async (source: string, reason: string): Promise<number> =>
  Number((await world.value('lagkeeper_source_errors_total', { source, name: 'main', reason })) ?? 0)

describe('faults of class K: answers of simulated brokers', () => {
  it('K20 offsets of 2^53 + 1 and 2^63 - 1 give the exact lag, on the page and in the API', async () => {
    const largest = 2n ** 63n - 1n
    group('odd', 1, 2n ** 53n + 1n, 2n ** 53n - 6n)
    group('largest', 1, largest, largest - 5n)
    group('whole', 1, 2n ** 53n + 1n, 0n)
    await shows('odd', '7')
    await shows('largest', '5')

    expect(await world.api('odd')).toContain('"log_end_offset":9007199254740993,"records_lag":7')
    expect(await world.api('largest')).toContain(`"log_end_offset":${largest},"records_lag":5`)
    expect(await world.api('whole')).toContain('"records_lag":9007199254740993')
    // A sample is a double for everyone who reads it.
    expect(Number(await world.lag('whole', 'whole'))).toBe(2 ** 53)
    await world.otherFollows()
  })

  it.each([
    ['an end', 'ListOffsets', -1001n],
    ['an end', 'ListOffsets', -(2n ** 63n)],
    ['a position', 'OffsetFetch', -1001n],
    ['a position', 'OffsetFetch', -(2n ** 63n)],
  ] as const)('K21 %s in %s of %d gives no lag and a reason', async (what, api, wrong) => {
    const right = 0x1122_3344_5566n
    const topic = `insane-${what === 'an end' ? 'end' : 'position'}${wrong}`
    const isEnd = api === 'ListOffsets'
    const [source, why] = isEnd ? (['kafka', 'end_unknown'] as const) : (['kafka-groups', 'read_failed'] as const)
    const before = await errorsOf(source, why)
    const heal = replaceOffset(right, wrong, api)
    try {
      group(topic, 1, isEnd ? right : right + 4n, isEnd ? right - 4n : right)
      await eventually('the reason to be counted', 10_000, async () => (await partitionsIn(topic, why)) === 1)
      const seen = await lookFor(2_500, () => world.lag(topic, topic))
      await world.otherFollows()
      expect(new Set(seen)).toEqual(new Set([undefined]))
      expect(await world.lag('neighbour', 'neighbour')).toBe('7')
      expect(await errorsOf(source, why)).toBeGreaterThan(before)
    } finally {
      injected(heal() > 0, 'no answer was changed')
    }
    await shows(topic, '4')
    expect(await partitionsIn(topic, 'known')).toBe(1)
  })

  it('K26 a log that ends before it starts gives no lag, and that is counted', async () => {
    const topic = 'backwards'
    const right = 0x1122_3344_5577n
    group(topic, 1, right, right - 3n)
    world.main.state.setLog(topic, 0, 40n, right)
    await shows(topic, '3')
    const before = await errorsOf('kafka', 'end_unknown')
    const heal = replaceOffset(right, 39n, 'ListOffsets')
    try {
      await eventually(
        'the reason to be counted',
        10_000,
        async () => (await errorsOf('kafka', 'end_unknown')) > before + 1,
      )
      const seen = await lookFor(2_500, () => world.lag(topic, topic))
      // What was right last is held.
      expect(new Set(seen)).toEqual(new Set(['3']))
      expect(await partitionsIn(topic, 'held')).toBe(1)
      expect(await world.api(topic)).toContain('"reason":"end_unknown"')
      await world.otherFollows()
    } finally {
      injected(heal() > 0, 'no answer was changed')
    }
    world.main.state.setLog(topic, 0, 40n, right + 2n)
    await shows(topic, '5')
    expect(await partitionsIn(topic, 'known')).toBe(1)
  })

  it.each(['FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH'] as const satisfies readonly ErrorName[])(
    'K05 %s makes it ask for metadata again, and no wrong lag is shown',
    async (error) => {
      const topic = error.toLowerCase()
      group(topic, 2, 100n, 90n)
      await shows(topic, '10', 10_000, 0)
      await shows(topic, '10', 10_000, 1)
      const asked = (): number => world.main.requests.total('Metadata')
      const first = asked()
      await sleep(4_000)
      const usual = asked() - first
      world.main.state.setOffsetError(topic, 0, error)
      world.main.state.setLog(topic, 0, 0n, 140n)
      world.main.state.setLog(topic, 1, 0n, 120n)
      // The partition beside it is read as ever.
      await shows(topic, '30', 10_000, 1)
      const before = asked()
      const seen = await lookFor(4_000, () => world.lag(topic, topic))
      const during = asked() - before
      expect(await partitionsIn(topic, 'held')).toBe(1)
      expect(during, 'questions for metadata').toBeGreaterThanOrEqual(usual + 2)
      // The last one that was right is held, as long as the documentation says; nothing is made up.
      expect(new Set(seen)).toEqual(new Set(['10']))
      await world.otherFollows()
      world.main.state.setOffsetError(topic, 0, 'NONE')
      await shows(topic, '50', 10_000, 0)
      expect(await partitionsIn(topic, 'known')).toBe(2)
    },
  )

  it('K10 positions that move between the questions never give a negative lag, nor position_beyond_end for long', async () => {
    const topic = 'racing'
    const partitions = 8
    group(topic, partitions, 1_000n, 1_000n)
    await shows(topic, '0')
    const { state, requests, faults } = world.main
    let end = 1_000n
    let moved = 0
    // Between any two questions the log grows, and the group commits all of it: what was asked first is then too old.
    faults.lie(({ api, bytes }) => {
      if (api !== 'OffsetFetch' && api !== 'ListOffsets') return bytes
      end += 1_000n
      moved++
      for (let partition = 0; partition < partitions; partition++) {
        state.setLog(topic, partition, 0n, end)
        state.commit(topic, topic, partition, end)
      }
      return bytes
    })
    const before = requests.total('OffsetFetch')
    try {
      let beyond = 0
      const seen = await lookFor(8_000, async () => {
        const page = await world.page()
        const mine = page.filter(({ labels }) => labels['consumer'] === topic)
        // One look may fall on a cycle that raced; the next cycle must have it right again.
        const isBeyond = mine.some(({ labels }) => labels['state'] === 'position_beyond_end')
        beyond = isBeyond ? beyond + 1 : 0
        expect(beyond).toBeLessThan(6)
        return mine.filter(({ name }) => name === 'stream_consumer_records_lag').map(({ value }) => Number(value))
      })
      const lags = seen.flat()
      // All that moved in a cycle, and no more: the answers of two brokers, a second apart at most.
      for (const lag of lags) expect(lag >= 0 && lag <= 20_000, `a lag of ${lag}`).toBe(true)
      injected(lags.length > 0 && moved > 20 && requests.total('OffsetFetch') > before, 'nothing raced')
    } finally {
      faults.lie(undefined)
    }
    for (let partition = 0; partition < partitions; partition++) await shows(topic, '0', 10_000, partition)
    expect(await partitionsIn(topic, 'known')).toBe(partitions)
    await world.otherFollows()
  })

  /** The lag stays right while the fault lasts, follows a log that grows meanwhile, and is printed once. */
  async function followsMeanwhile(topic: string, start: () => void): Promise<void> {
    group(topic, 1, 100n, 90n)
    await shows(topic, '10')
    try {
      start()
      const seen = await lookFor(4_000, () => world.lag(topic, topic))
      expect(new Set(seen)).toEqual(new Set(['10']))
      world.main.state.setLog(topic, 0, 0n, 120n)
      await shows(topic, '30', 5_000)
      const page = await world.page()
      const printed = page.filter((one) => one.name === 'stream_consumer_records_lag' && one.labels['topic'] === topic)
      expect(printed).toHaveLength(1)
      await world.otherFollows()
    } finally {
      world.main.faults.lie(undefined)
    }
    world.main.state.setLog(topic, 0, 0n, 130n)
    await shows(topic, '40', 5_000)
    expect(await partitionsIn(topic, 'known')).toBe(1)
  }

  it('K03 a leader that moves inside every cycle is found again in the same one', async () => {
    const topic = 'moving-leader'
    const { state, faults } = world.main
    let isDue = true
    let refused = 0
    await followsMeanwhile(topic, () => {
      faults.lie(({ api, bytes }) => {
        if (api === 'ListGroups') isDue = true
        // Once a cycle, between the positions and the ends.
        if (api === 'OffsetFetch' && isDue) {
          isDue = false
          state.moveLeader(topic, 0, 3 - (state.topics.get(topic)?.leaders[0] ?? 1))
        }
        // Behind the name of the topic stand the number of its partitions in one byte, partition and error.
        const at = api === 'ListOffsets' ? bytes.indexOf(topic) : -1
        if (at >= 0 && bytes.readInt16BE(at + topic.length + 5) === errorCodes.NOT_LEADER_OR_FOLLOWER) refused++
        return bytes
      })
    })
    injected(refused > 2, `refused ${refused} times`)
  })

  it('K04 a coordinator that moves inside every cycle is found again in the same one', async () => {
    const topic = 'moving-coordinator'
    const { state, faults, requests } = world.main
    let lists = 0
    const asked = (): number => requests.total('FindCoordinator')
    const first = asked()
    await sleep(2_500)
    const usual = asked() - first
    const before = asked()
    await followsMeanwhile(topic, () => {
      faults.lie(({ api, bytes }) => {
        // Both brokers have listed their groups; then the group goes to the other one.
        if (api === 'ListGroups' && ++lists % 2 === 0)
          state.moveCoordinator(topic, 3 - (state.coordinatorOf(topic) ?? 1))
        return bytes
      })
    })
    injected(
      lists > 4 && asked() - before > 2 + 4 * usual,
      `${asked() - before} looks for coordinators, ${usual} usual`,
    )
  })

  it('K04 a group that two brokers list is counted once', async () => {
    const topic = 'listed-twice'
    const { state, faults } = world.main
    const listed = new Set<number>()
    await followsMeanwhile(topic, () => {
      faults.lie(({ api, broker, bytes }) => {
        if (api !== 'ListGroups') return bytes
        if (bytes.includes(topic)) listed.add(broker)
        // It moves away as soon as a broker has listed it, and the other broker lists it too.
        state.moveCoordinator(topic, 3 - broker)
        return bytes
      })
    })
    injected(listed.size === 2, `listed by ${[...listed].join()}`)
  })
})
