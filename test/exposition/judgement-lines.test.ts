import { describe, expect, it } from 'vitest'
import { lagFamilies } from '../../src/exposition/families.ts'
import { render } from '../../src/exposition/render.ts'
import { consumerTotals } from '../../src/lag/totals.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { TopicJudgement } from '../../src/model/judgement.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { fakeJudgements } from '../fakes/judgements.ts'
import { fakeSnapshot } from '../fakes/snapshot.ts'

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
