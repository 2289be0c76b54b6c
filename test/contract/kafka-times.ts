import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKafkaCluster, type KafkaCluster } from '../../src/kafka/cluster.ts'
import { lookUpTimes, type TimeAsked } from '../../src/kafka/look-up-times.ts'
import { readCatalog } from '../../src/kafka/read-catalog.ts'
import { readRecordTimes } from '../../src/kafka/read-record-times.ts'
import { readRetention } from '../../src/kafka/read-retention.ts'
import { emptyCatalog } from '../../src/model/catalog.ts'
import type { LookedUp, NoTime, TimeLookUp } from '../../src/model/time-look-up.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { eventually } from './kafka-world.ts'

/** Records that are written one after the other with one timestamp. */
interface TimedRecords {
  readonly count: number
  /** Wall milliseconds; default: now. */
  readonly at?: number
  /** Keys in turn, for a compacted topic. */
  readonly keys?: number
}

/** A cluster, real or simulated, to whose topics records with known times can be written. */
export interface TimesUnderTest extends AsyncDisposable {
  readonly bootstrap: readonly string[]
  /** Of one partition. */
  createTopic(name: string, configs?: Readonly<Record<string, string>>): Promise<void>
  produce(topic: string, records: readonly TimedRecords[]): Promise<void>
  /** Records of a transaction that is committed, and its end, with the present time. */
  transact(topic: string, records: number): Promise<void>
  deleteRecords(topic: string, before: bigint): Promise<void>
  /** Asks for the compaction of records that are outdone by their keys: these ranges, the end excluded. */
  compact(topic: string, ranges: readonly (readonly [bigint, bigint])[]): Promise<void>
}

interface TimesOptions {
  /** From 0.10.1: a search by time gives a record, with its timestamp. */
  readonly bySearch: boolean
  /** From 0.11: Fetch v4, DescribeConfigs and DeleteRecords. */
  readonly isModern: boolean
  /** Before 3.0: topics may be written in the formats of older brokers. */
  readonly hasFormats: boolean
}

/** Asserts that what look-ups tell of known records is so. */
export function describeKafkaTimes(title: string, options: TimesOptions, start: () => Promise<TimesUnderTest>): void {
  describe(title, () => {
    const signal = new AbortController().signal
    const now = Date.now()
    /** The first record of most topics. */
    const base = now - 120_000
    let kafka: TimesUnderTest
    let cluster: KafkaCluster

    beforeAll(async () => {
      kafka = await start()
      cluster = createKafkaCluster({ bootstrap: kafka.bootstrap, requestTimeoutMs: 10_000, clock: systemClock })
    })
    afterAll(async () => {
      cluster?.close()
      await kafka?.[Symbol.asyncDispose]()
    })

    const question = (topic: string, position: bigint, more: Partial<TimeAsked> = {}): TimeAsked => ({
      ...{ topic, partition: 0, position, start: 0n },
      ...more,
    })

    async function once(asked: TimeAsked, read: 'search' | 'record' = 'search'): Promise<TimeLookUp> {
      const { catalog } = await readCatalog(cluster, emptyCatalog, () => true, signal)
      const found: TimeLookUp[] = []
      const how = { now: Date.now(), tell: (_: TimeAsked, look: TimeLookUp) => found.push(look) }
      const problems = await (read === 'search' ? lookUpTimes : readRecordTimes)(cluster, catalog, [asked], how, signal)
      expect(problems).toEqual([])
      return found[0]!
    }

    /** As a keeper does that has a few cycles. */
    async function settled(asked: TimeAsked): Promise<LookedUp> {
      let look = await once(asked)
      for (let cycle = 0; cycle < 8 && !('isSettled' in look && look.isSettled); cycle++)
        look = await once({ ...asked, bracket: look.bracket })
      expect(look).toMatchObject({ isSettled: true })
      if ('reason' in look) throw new Error(`No time: ${look.reason}`)
      return look
    }

    async function topicWith(name: string, times: readonly number[], configs?: Readonly<Record<string, string>>) {
      await kafka.createTopic(name, configs)
      await kafka.produce(
        name,
        times.map((at) => ({ count: 1, at })),
      )
      return { offset: BigInt(times.length), at: Date.now() }
    }

    if (!options.bySearch) {
      it('says that it is not supported, without a problem', async () => {
        await kafka.createTopic('old')
        await kafka.produce('old', [{ count: 3 }])
        expect(await once(question('old', 1n, { guess: now }))).toMatchObject({ reason: 'unsupported' })
      })
      return
    }

    it('finds records that stand in order, in three rounds from a guess that is some records off', async () => {
      const times = Array.from({ length: 60 }, (_, index) => base + index * 1_000)
      const end = await topicWith('ordered', times)

      for (const position of [1, 20, 40]) {
        const guess = times[position]! + (position % 2 === 0 ? 5_300 : -4_700)
        const look = await once(question('ordered', BigInt(position), { guess, end }))
        expect(look).toMatchObject({ isExact: true, isSettled: true, at: times[position] })
        expect(look.rounds).toBeLessThanOrEqual(3)
      }
      expect(await settled(question('ordered', 59n, { guess: times[59]! + 5_300, end }))).toMatchObject({
        at: times[59],
      })
      expect(await once(question('ordered', 0n))).toMatchObject({ isExact: true, at: base, rounds: 1 })
    })

    it('finds them without a guess', async () => {
      const times = Array.from({ length: 40 }, (_, index) => base + index * 1_000 + (index % 7) * 90)
      const end = await topicWith('unguessed', times)
      expect(await settled(question('unguessed', 25n, { end }))).toMatchObject({ isExact: true, at: times[25] })
    })

    it('bounds records that came late by the largest time before and the next time behind', async () => {
      const times = [0, 1_000, 9_000, 2_000, 3_000, 10_000, 4_000, 11_000].map((after) => base + after)
      const end = await topicWith('disordered', times)

      for (const [position, before, next] of [
        [3, 9_000, 10_000],
        [4, 9_000, 10_000],
        [6, 10_000, 11_000],
      ] as const) {
        const look = await settled(question('disordered', BigInt(position), { guess: base + 2_000, end }))
        expect(look).toMatchObject({ isExact: false, at: base + before, notBefore: base + before })
        expect(look).toMatchObject({ notAfter: base + next, notAfterIsGuess: true })
      }
      expect(await settled(question('disordered', 5n, { guess: base, end }))).toMatchObject({ isExact: true })
    })

    it('knows the time of one among equals, though not that it is its own', async () => {
      const times = [0, 5_000, 5_000, 5_000, 5_000, 8_000].map((after) => base + after)
      const end = await topicWith('equals', times)
      const look = await settled(question('equals', 3n, { guess: base + 4_000, end }))
      expect(look).toMatchObject({ isExact: false, at: base + 5_000, notAfter: base + 8_000 })
    })

    it('believes no record that is dated in the future', async () => {
      const future = Date.now() + 1_800_000
      const times = [base, base + 1_000, future, base + 3_000, base + 4_000]
      const end = await topicWith('future', times)
      const before = await once(question('future', 1n, { guess: base + 900, end }))
      const behind = await once(question('future', 4n, { guess: base + 900, end }))
      expect(before).toMatchObject({ isExact: true, at: base + 1_000 })
      expect(behind).toMatchObject({ isExact: false, notBefore: base + 1_000 })
      expect(behind).not.toHaveProperty('notAfter')

      await kafka.createTopic('future-first')
      await kafka.produce('future-first', [
        { count: 1, at: future },
        { count: 2, at: base },
      ])
      expect(await once(question('future-first', 1n, { guess: base }))).toMatchObject({ reason: 'future_timestamp' })
    })

    it('says nothing of an empty topic', async () => {
      await kafka.createTopic('empty')
      expect(await once(question('empty', 0n))).toMatchObject({ reason: 'no_timestamp' } satisfies Partial<NoTime>)
    })

    if (options.hasFormats)
      it('says that records in the format before 0.10 have no timestamps', async () => {
        await kafka.createTopic('unstamped', { 'message.format.version': '0.9.0' })
        await kafka.produce('unstamped', [{ count: 5 }])
        const end = { offset: 5n, at: Date.now() }
        const look = await once(question('unstamped', 2n, { guess: Date.now() - 1_000, end }))
        expect(look).toMatchObject({ reason: 'no_timestamp' })
        if (options.isModern)
          expect(await once(question('unstamped', 2n), 'record')).toMatchObject({ reason: 'no_timestamp' })
      })

    if (!options.isModern) return

    it('begins at the log start where records were deleted', async () => {
      const times = [0, 1_000, 2_000, 3_000].map((after) => base + after)
      await topicWith('shortened', times)
      await kafka.deleteRecords('shortened', 2n)
      const look = await once(question('shortened', 2n, { start: 2n }))
      expect(look).toMatchObject({ isExact: true, at: base + 2_000, rounds: 1 })
    })

    it('tells when the broker stamps, and then proves both bounds', async () => {
      await kafka.createTopic('stamped', { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1' })
      const { retentions } = await readRetention(cluster, ['stamped'], signal)
      const stamped = retentions.get('stamped')
      expect(stamped).toMatchObject({ cleanup: 'delete', timestampType: 'LogAppendTime' })
      expect(stamped).not.toHaveProperty('retentionMs')

      const written: { readonly from: number; readonly to: number }[] = []
      for (let batch = 0; batch < 6; batch++) {
        const from = Date.now()
        // What the producer says does not count.
        await kafka.produce('stamped', [{ count: 5, at: base }])
        written.push({ from, to: Date.now() })
        await new Promise((resolve) => setTimeout(resolve, 120))
      }
      const end = { offset: 30n, at: Date.now() }
      for (const position of [5, 12, 27]) {
        const { from, to } = written[Math.floor(position / 5)]!
        const asked = question('stamped', BigInt(position), { guess: from - 500, end, type: 'LogAppendTime' })
        const look = await settled(asked)
        expect(look.notBefore).toBeGreaterThanOrEqual(from - 1)
        expect(look.notAfter).toBeLessThanOrEqual(to + 1)
        expect(look).toMatchObject({ notAfterIsGuess: false, notAfter: look.notBefore })
      }
    })

    it('takes ends of transactions for what they are: records with a time', async () => {
      await kafka.createTopic('transactions')
      const from = Date.now()
      await kafka.transact('transactions', 3)
      // Its end may be written after the commit has returned; the next transaction waits for it.
      await kafka.transact('transactions', 2)
      const to = Date.now()
      const end = { offset: 7n, at: Date.now() }

      const marker = await settled(question('transactions', 3n, { guess: from, end }))
      expect(marker.at).toBeGreaterThanOrEqual(from - 1)
      expect(marker.at).toBeLessThanOrEqual(to + 1)
      const record = await once(question('transactions', 3n), 'record')
      expect(record).toMatchObject({ isExact: true })
      // Before the first end there may be equals, so that the search cannot tell it from them.
      if ('at' in record) expect(Math.abs(record.at - marker.at)).toBeLessThanOrEqual(to - from)
    })

    it('gives bounds where compaction has taken the record, which cannot be read any more', async () => {
      const configs = { 'cleanup.policy': 'compact', 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0.001' }
      await kafka.createTopic('compacted', configs)
      const batches = [4, 3, 3, 3, 3].map((keys, index) => ({ count: keys, keys, at: base + index * 10_000 }))
      // One at a time, so that each begins a segment of its own.
      for (const batch of batches) await kafka.produce('compacted', [batch])
      // k3 is never written again; of the rest the last but one stays, and what may not be compacted yet.
      const gone = [
        [0n, 3n],
        [4n, 10n],
      ] as const
      await kafka.compact('compacted', gone)
      await eventually('compaction', async () => {
        const next = await once(question('compacted', 4n), 'record')
        return 'reason' in next && next.reason === 'not_found' ? true : undefined
      })

      const end = { offset: 16n, at: Date.now() }
      const hole = await settled(question('compacted', 6n, { guess: base + 12_000, end }))
      expect(hole).toMatchObject({ isExact: false, notBefore: base, notAfter: base + 30_000 })
      expect(await once(question('compacted', 10n), 'record')).toMatchObject({ isExact: true, at: base + 30_000 })
      const { retentions } = await readRetention(cluster, ['compacted', 'ordered'], signal)
      expect([retentions.get('compacted'), retentions.get('ordered')]).toMatchObject([
        { cleanup: 'compact', timestampType: 'CreateTime' },
        { cleanup: 'delete', retentionMs: 604_800_000 },
      ])
    })

    it.each([
      ['ordered', 20, 20_000],
      ['disordered', 3, 2_000],
      ['equals', 3, 5_000],
    ])('reads the time of a record itself: %s %i', async (topic, position, after) => {
      expect(await once(question(topic, BigInt(position)), 'record')).toMatchObject({
        ...{ isExact: true, isSettled: true, at: base + after, rounds: 1 },
      })
    })
  })
}
