import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { LagRow } from '../../src/model/lag-row.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { addVerdicts, judgeResting, type Truth, type Verdict } from '../loads/judge.ts'
import { restingLoad } from '../loads/resting-load.ts'
import { startKafka } from '../rigs/kafka.ts'
import { startRigClient } from '../rigs/rig-client.ts'
import { forgetResult, talliesOf, writeFault } from './compatibility-results.ts'
import { createMatrixReader } from './kafka-versions-reader.ts'

const name = 'a frozen broker of three, what the other two have, 3.9.2, KRaft'
const limitMs = 600_000
const size = { topics: 9, partitions: 6, groups: 12 }
const CYCLES = 8
/** A cycle that takes longer than this was held up. */
const HELD_UP_MS = 3_000
/** The frozen broker holds a cycle up by one time-out of each kind of request at most. */
const AT_MOST_MS = 25_000

/** Its sockets stay open and nothing answers: the worst way in which a broker can be gone. */
it('of three brokers one is frozen: it holds up one cycle at most, and the rest stays fresh and right', {
  timeout: limitMs,
}, async () => {
  forgetResult(name)
  await using kafka = await startKafka({ version: '3.9.2', brokers: 3, heap: '192m' })
  await using rig = await startRigClient({ version: '3.9.2', bootstrap: kafka.bootstrap })
  using reader = createMatrixReader(kafka.bootstrap)
  const load = await restingLoad(rig, size, true)
  let truth = await rig.oracle(load.groups)
  const verdicts: Verdict[] = []
  const meanwhile: Verdict[] = []
  const durations: number[] = []

  const healthy = await reader.cycle()
  verdicts.push(judgeResting(healthy.rows, truth))
  const victim = kafka.brokers[1]
  const victimId = 2
  const isLost = leadBy(healthy.snapshot, victimId)
  const alive = truth.ends.filter(({ topic, partition }) => !isLost(topic, partition))
  expect(alive.length).toBeGreaterThan(0)
  expect(alive.length).toBeLessThan(truth.ends.length)

  victim?.pause()
  try {
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      // The clients of Java cannot say what is true now, and need not: we know what we do.
      await rig.produceMany(alive.map(({ topic, partition }) => ({ topic, partition, count: 1 })))
      truth = grown(truth, isLost)
      const { rows, snapshot, ms } = await reader.cycle()
      durations.push(Math.round(ms))
      // Held rows of groups that the frozen broker coordinates show an earlier end: older, not wrong, and marked.
      const lost = new Set(snapshot.problems.map(({ consumer }) => consumer))
      const fresh = rows.filter((row) => !isLost(row.topic, row.partition) && !lost.has(row.consumer))
      const groups = new Set(fresh.map(({ consumer }) => consumer))
      const expected: Truth = {
        ...truth,
        committed: truth.committed.filter(
          ({ group, topic, partition }) => groups.has(group) && !isLost(topic, partition),
        ),
      }
      expect(groups.size).toBeGreaterThan(0)
      meanwhile.push(judgeResting(fresh, expected))
      expectNoFalseWord(rows, truth)
      await sleep(500)
    }
  } finally {
    victim?.resume()
  }
  const givenUpAt = Date.now() + 60_000
  for (;;) {
    const { rows, snapshot } = await reader.cycle()
    const verdict = judgeResting(rows, truth)
    const isWhole = Object.keys(verdict.missing).length === 0 && snapshot.problems.length === 0
    if (isWhole || Date.now() > givenUpAt) {
      verdicts.push(verdict)
      break
    }
    await sleep(500)
  }

  const all = talliesOf(addVerdicts([...verdicts, ...meanwhile]))
  const cycles = verdicts.length + meanwhile.length
  process.stdout.write(
    `matrix | ${name} | cycles took ${durations.join(', ')} ms | compared ${all.compared} | wrong ${all.wrong} | missing ${JSON.stringify(all.missing)}\n`,
  )
  expect([...verdicts, ...meanwhile].flatMap((verdict) => verdict.wrong)).toEqual([])
  expect(all.missing).toEqual({})
  expect(durations.filter((ms) => ms > HELD_UP_MS).length).toBeLessThanOrEqual(1)
  expect(Math.max(...durations)).toBeLessThan(AT_MOST_MS)
  expect((await rig.oracle([])).ends).toEqual(truth.ends)
  writeFault({ name, cycles, ...all })
})

/** Whether a partition is led by a broker. */
function leadBy({ catalog }: Snapshot, broker: number): (topic: string, partition: number) => boolean {
  return (topic, partition) => {
    const found = catalog.topics[catalog.topicIndex.get(topic) ?? -1]
    return found === undefined || catalog.leader[found.firstRow + partition] === broker
  }
}

/** One record more wherever somebody takes it. */
function grown(truth: Truth, isLost: (topic: string, partition: number) => boolean): Truth {
  return {
    ...truth,
    ends: truth.ends.map((log) =>
      isLost(log.topic, log.partition) ? log : { ...log, end: log.end + 1n, stableEnd: log.end + 1n },
    ),
  }
}

/** Whatever a row shows was true once: nothing here goes back. */
function expectNoFalseWord(rows: readonly LagRow[], truth: Truth): void {
  const ends = new Map(truth.ends.map((log) => [`${log.topic}/${log.partition}`, log.end]))
  const untrue = rows.filter(({ topic, partition, logEndOffset, recordsLag, takenAt, reason }) => {
    const end = ends.get(`${topic}/${partition}`) ?? 0n
    const isTooMuch = logEndOffset !== undefined && logEndOffset > end
    const isOldWithoutSaying =
      recordsLag !== undefined && logEndOffset !== end && (takenAt === undefined || reason === undefined)
    return isTooMuch || isOldWithoutSaying
  })
  expect(untrue).toEqual([])
}
