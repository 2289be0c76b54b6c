import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lagFamilies } from '../../src/exposition/families.ts'
import { type PageBefore, render, renderStretches } from '../../src/exposition/render.ts'
import { consumerTotals } from '../../src/lag/totals.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { TopicJudgement } from '../../src/model/judgement.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { fakeJudgements } from '../fakes/judgements.ts'
import { fakeParts, fakeSnapshot } from '../fakes/snapshot.ts'

const g: Consumer = { name: 'g', kind: 'classic', group: 'g' }
const calm: TopicJudgement = { status: 'ok', since: 1_700_000_000_000, outlook: 'unknown', rewinds: 0 }

/** Consumer g on the topics a and b, and what is thought of it on each. */
function judged(a: Partial<TopicJudgement>, b: Partial<TopicJudgement>, more: Partial<Snapshot> = {}) {
  const made = fakeSnapshot(
    ['a', 'b'].map((topic) => ({ consumer: g, topic, partition: 0, position: 5n, start: 0n, end: 9n })),
  )
  const judgements = fakeJudgements([a, b].map((one) => ({ ...calm, ...one })))
  const parts = made.parts.map((part) => ({ ...part, judgements }))
  return { ...made, parts, consumers: consumerTotals(parts, [], []), ...more }
}

/** The lines of one family, HELP and the cluster left out. */
function lines(snapshot: Snapshot, family: keyof typeof lagFamilies): string[] {
  const { name } = lagFamilies[family]
  const text = Buffer.concat([...render([snapshot])]).toString()
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => line.slice(name.length).replace('kafka_cluster="main",', ''))
}

describe('the lines of a judgement', () => {
  it('tell what is known, and nothing of what is not', () => {
    const snapshot = judged(
      { timeLag: { seconds: 12.34567, uncertainty: 0, source: 'log_ends' }, commitInterval: 15_000, rewinds: 2 },
      { timeLag: { seconds: 0, uncertainty: 0, source: 'log_ends' }, positionChangedAt: 1_700_000_000_500 },
    )

    expect(lines(snapshot, 'timeLag')).toEqual(['{consumer="g",topic="a"} 12.346', '{consumer="g",topic="b"} 0'])
    expect(lines(snapshot, 'timeLagUncertainty')).toEqual(['{consumer="g",topic="a"} 0', '{consumer="g",topic="b"} 0'])
    expect(lines(snapshot, 'eventTimeLag')).toEqual([])
    expect(lines(snapshot, 'commitInterval')).toEqual(['{consumer="g",topic="a"} 15'])
    expect(lines(snapshot, 'positionChangedAt')).toEqual(['{consumer="g",topic="b"} 1700000000.5'])
    expect(lines(snapshot, 'rewinds')).toEqual(['{consumer="g",topic="a"} 2', '{consumer="g",topic="b"} 0'])
  })

  it('give each consumer one status of six', () => {
    expect(lines(judged({ status: 'stalled' }, {}), 'status')).toEqual(
      ['ok', 'unknown', 'lagging', 'rewound', 'stalled', 'stopped'].map(
        (status) => `{consumer="g",status="${status}"} ${status === 'stalled' ? 1 : 0}`,
      ),
    )
  })

  it('are not there for a snapshot that is not judged', () => {
    const { parts } = judged({}, {})
    const unjudged = parts.map(({ judgements: _, ...part }) => part)
    const snapshot = judged({}, {}, { parts: unjudged, consumers: consumerTotals(unjudged, [], []) })
    expect(lines(snapshot, 'status')).toEqual([])
    expect(lines(snapshot, 'rewinds')).toEqual([])
  })

  it('end with a consumer that is gone', () => {
    const made = judged({}, {})
    const gone = { ...made, consumers: made.consumers.map((one) => ({ ...one, present: false })) }

    expect(lines(gone, 'status')).toEqual([])
  })
})

/** What is thought of the blocks of two brokers, more than two slices of a page; one of them is shared by both. */
function cluster(thoughts: readonly TopicJudgement[]): Snapshot {
  const rows = thoughts.map((_, index) => {
    const name = `g${Math.floor(index / 3)}`
    const consumer: Consumer = { name, kind: 'classic', group: name }
    return { consumer, topic: 'abc'.charAt(index % 3), partition: 0, position: 5n, start: 0n, end: 9n }
  })
  const half = rows.length >> 1
  const made = fakeParts(fakeSnapshot(rows), [rows.slice(0, half), rows.slice(half - 1)])
  const [first, second] = [thoughts.slice(0, half), thoughts.slice(half - 1)]
  const parts = made.parts.map((part, index) => ({ ...part, judgements: fakeJudgements(index === 0 ? first : second) }))
  return { ...made, parts, consumers: consumerTotals(parts, [], []) }
}

type Stretches = Map<string, string>

/** The text of a page, made with what the page before left, and what it leaves itself. */
function pageAfter(snapshot: Snapshot, kept: Stretches = new Map(), before?: PageBefore) {
  const made: Stretches = new Map()
  const stretches = renderStretches([snapshot], {}, before)
  let text = ''
  let count = 0
  let step = stretches.next()
  for (; step.done !== true; step = stretches.next()) {
    const { key, chunks } = step.value
    if (chunks !== undefined) count++
    const its = chunks === undefined ? (key === undefined ? '' : kept.get(key)!) : Buffer.concat([...chunks]).toString()
    if (key !== undefined) made.set(key, its)
    text += its
  }
  return { text, made, count, before: step.value }
}

describe('a page of judgements after another', () => {
  const blocks = 606
  const settled: TopicJudgement = {
    ...calm,
    timeLag: { seconds: 1, uncertainty: 0.5, source: 'log_ends' },
    produceRate: 2,
    consumeRate: 2,
    positionChangedAt: 1_700_000_000_000,
  }
  const number = fc.constantFrom(0, -0, 0.0004, 1, 1.5, 2 ** 53)
  const change = fc.oneof<fc.Arbitrary<Partial<TopicJudgement>>[]>(
    fc.record({ produceRate: number }),
    fc.record({ consumeRate: number }),
    fc.record({ eventTimeLag: number }),
    fc.record({ drain: number }),
    fc.record({ headroomRecords: number }),
    fc.record({ headroomSeconds: number }),
    fc.record({ positionChangedAt: number }),
    fc.record({ commitInterval: number }),
    fc.record({ rewinds: fc.constantFrom(0, 1) }),
    fc.record({ since: fc.constantFrom(calm.since, calm.since + 1) }),
    fc.record({ status: fc.constantFrom('ok' as const, 'stalled' as const, 'unknown' as const) }),
    fc.record({ outlook: fc.constantFrom('caught_up' as const, 'unknown' as const) }),
    fc.record({ why: fc.constantFrom('a', 'b') }),
    fc.record({
      timeLag: fc.record({
        seconds: fc.constantFrom(0, 1, 2),
        uncertainty: fc.constantFrom(0, 0.5),
        source: fc.constantFrom('log_ends' as const, 'timestamps' as const),
      }),
    }),
  )
  const place = fc.oneof(fc.nat(blocks - 1), fc.constantFrom(0, blocks / 2 - 1, blocks / 2, 255, 256, 257, blocks - 1))

  it('is the page that it would be without it, whatever is thought now', () => {
    /** Something else, or nothing else is known any more. */
    const changes = fc.array(fc.tuple(place, change, fc.boolean()), { maxLength: 3 })
    const pages = fc.array(changes, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(pages, (all) => {
        const thoughts = Array.from({ length: blocks }, (): TopicJudgement => settled)
        let last = pageAfter(cluster(thoughts))
        for (const page of all) {
          for (const [at, its, isAlone] of page) thoughts[at] = { ...(isAlone ? calm : thoughts[at]!), ...its }
          const snapshot = cluster(thoughts)
          const next = pageAfter(snapshot, last.made, last.before)
          const anew = pageAfter(snapshot)
          // Not told line by line, which takes minutes.
          expect(next.text === anew.text).toBe(true)
          expect(next.before.lines).toEqual(anew.before.lines)
          expect([...next.made.keys()]).toEqual([...anew.made.keys()])
          last = next
        }
      }),
      { numRuns: 15 },
    )
  })

  it('takes over what is thought of consumers whose rows are others', () => {
    const thoughts = Array.from({ length: blocks }, (): TopicJudgement => settled)
    const first = pageAfter(cluster(thoughts))
    const other = cluster(thoughts)
    other.parts[0]!.batch.value[0]! += 1
    const next = pageAfter(other, first.made, first.before)
    const anew = pageAfter(other)

    expect(next.text === anew.text).toBe(true)
    expect(next.text === first.text).toBe(false)
    // Of three slices of each family of rows the first alone, and none of a judgement.
    expect(anew.count - next.count).toBeGreaterThan(11 * 3)
  })

  it('is made anew where nobody judges any more, and where somebody judges again', () => {
    const judged = cluster(Array.from({ length: blocks }, (): TopicJudgement => settled))
    const [one, other] = judged.parts.map(({ judgements: _, ...part }) => part)
    const parts = [one!, judged.parts[1]!]
    const half = { ...judged, parts, consumers: consumerTotals(parts, [], []) }
    const none = { ...judged, parts: [one!, other!], consumers: consumerTotals([one!, other!], [], []) }
    let last = pageAfter(judged)
    for (const snapshot of [half, none, half, judged, none, judged]) {
      const next = pageAfter(snapshot, last.made, last.before)
      expect(next.text === pageAfter(snapshot).text).toBe(true)
      last = next
    }
  })
})
