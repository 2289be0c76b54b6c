import { describe, expect, it } from 'vitest'
import { adoptGroups, commitsOn } from '../../src/lag/adopt-groups.ts'
import type { JobCommits } from '../../src/model/job-commits.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import type { PositionBatch } from '../../src/model/position-batch.ts'
import type { Problem } from '../../src/model/problem.ts'
import { type Reason, reasonOf } from '../../src/model/reason.ts'
import { fakeBatch } from '../fakes/columns.ts'

type Rows = Readonly<Record<string, Readonly<Record<number, bigint | Reason>>>>

function jobBatch(rows: Rows, name = 'prod/etl'): PositionBatch {
  return { ...fakeBatch({ [name]: rows }, 40), consumers: [{ name, kind: 'flink', jobId: 'j' }] }
}

function job(isComplete: boolean, consumer = 'prod/etl'): JobCommits {
  return { consumer, jobId: 'j', applicationId: 'a', isRunning: true, isComplete, operators: [] }
}

interface Given {
  readonly job?: Rows
  readonly groups: Readonly<Record<string, Rows>>
  readonly owners?: Readonly<Record<string, string>>
  readonly problems?: readonly Problem[]
  readonly isComplete?: boolean
}

function adopt({ job: rows, groups, owners = { g: 'prod/etl' }, problems = [], isComplete = true }: Given) {
  const batches = [...(rows === undefined ? [] : [jobBatch(rows)]), fakeBatch(groups)]
  const jobs = rows === undefined ? new Map<string, JobCommits>() : new Map([['prod/etl', job(isComplete)]])
  const steps = adoptGroups({ batches, problems }, new Map(Object.entries(owners)), jobs)
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return { ...step.value, rows: shownRows(step.value.batches) }
}

function shownRows(batches: readonly PositionBatch[]): Record<string, bigint | Reason> {
  const found: Record<string, bigint | Reason> = {}
  for (const batch of batches)
    for (let block = 0; block < batch.blockConsumer.length; block++)
      for (let row = batch.blockFirst[block]!; row < batch.blockFirst[block + 1]!; row++) {
        const key = `${batch.consumers[batch.blockConsumer[block]!]!.name} ${batch.topics[batch.blockTopic[block]!]!.name}/${batch.partition[row]}`
        if (key in found) throw new Error(`"${key}" stands there twice`)
        found[key] = reasonOf(batch.reason[row]!) ?? offsetAt(batch.value, row)
      }
  return found
}

const failedGroup: Problem = { reason: 'coordinator_loading', consumer: 'g', message: 'not read' }

describe('adoptGroups()', () => {
  it('leaves everything as it is when no group is of a job', () => {
    const { rows, groups } = adopt({ job: { t: { 0: 5n } }, groups: { g: { t: { 0: 3n } } }, owners: {} })

    expect(rows).toEqual({ 'prod/etl t/0': 5n, 'g t/0': 3n })
    expect(groups.size).toBe(0)
  })

  it('shows the group as its job: the gauge counts, and the commit where there is none', () => {
    const { rows, groups, batches } = adopt({
      job: { t: { 0: 5n, 1: 'no_position', 2: 'stale', 3: 'incomplete', 4: 'no_position' } },
      groups: { g: { t: { 0: 3n, 1: 11n, 2: 12n, 3: 13n } }, other: { t: { 0: 1n } } },
    })

    expect(rows).toEqual({
      'prod/etl t/0': 5n,
      'prod/etl t/1': 11n,
      'prod/etl t/2': 12n,
      'prod/etl t/3': 13n,
      'prod/etl t/4': 'no_position',
      'other t/0': 1n,
    })
    expect([...groups]).toEqual(['g'])
    expect(batches[0]!.consumers).toEqual([{ name: 'prod/etl', kind: 'flink', jobId: 'j', group: 'g' }])
    expect(batches[0]!.evidence).toHaveLength(2)
  })

  it('lets the earlier row stand while a page is only late', () => {
    const { rows } = adopt({ job: { t: { 0: 'timeout', 1: 'read_failed' } }, groups: { g: { t: { 0: 3n, 1: 3n } } } })

    expect(rows).toEqual({ 'prod/etl t/0': 'timeout', 'prod/etl t/1': 'read_failed' })
  })

  it('does not take a commit that could not be read for none', () => {
    const hasNone = { t: { 0: 5n, 1: 'no_position' as const } }
    expect(adopt({ job: hasNone, groups: {}, problems: [failedGroup] })).toMatchObject({
      rows: { 'prod/etl t/0': 5n, 'prod/etl t/1': 'coordinator_loading' },
      problems: [{ consumer: 'prod/etl', reason: 'coordinator_loading' }],
    })
    expect(adopt({ job: hasNone, groups: { g: { t: { 1: 'unauthorized' } } } }).rows).toEqual({
      'prod/etl t/0': 5n,
      'prod/etl t/1': 'unauthorized',
    })
    expect(adopt({ job: hasNone, groups: { g: { t: { 1: 'no_position' } } } }).rows['prod/etl t/1']).toBe('no_position')
  })

  it('leaves topics out that the group committed on once, when all of the job was seen', () => {
    const given = { job: { t: { 0: 5n } }, groups: { g: { t: { 0: 3n }, old: { 0: 1n } } } }

    expect(adopt(given).rows).toEqual({ 'prod/etl t/0': 5n })
    expect(adopt({ ...given, isComplete: false }).rows).toEqual({ 'prod/etl t/0': 5n, 'prod/etl old/0': 1n })
  })

  it('shows a job of which nothing else is known by its group', () => {
    const { rows, batches } = adopt({ groups: { g: { t: { 0: 3n, 1: 'no_position' } }, other: { t: { 0: 1n } } } })

    expect(rows).toEqual({ 'other t/0': 1n, 'prod/etl t/0': 3n, 'prod/etl t/1': 'no_position' })
    expect(batches.at(-1)!.consumers).toEqual([{ name: 'prod/etl', kind: 'flink', group: 'g' }])
  })

  it('hands problems of the group on to the job, for its earlier rows to stay', () => {
    const { problems, rows } = adopt({
      groups: {},
      problems: [failedGroup, { reason: 'timeout', consumer: 'x', message: '' }],
    })

    expect(problems.map(({ consumer }) => consumer)).toEqual(['prod/etl', 'x'])
    expect(rows).toEqual({})
  })

  it('takes the commit that is furthest behind when a job has several groups', () => {
    const { rows, batches, commits } = adopt({
      job: { t: { 0: 'no_position', 1: 'no_position' }, u: { 0: 'no_position' } },
      groups: { g: { t: { 0: 9n, 1: 4n } }, h: { t: { 0: 7n }, u: { 0: 2n } } },
      owners: { g: 'prod/etl', h: 'prod/etl' },
    })

    expect(rows).toEqual({ 'prod/etl t/0': 7n, 'prod/etl t/1': 4n, 'prod/etl u/0': 2n })
    expect(batches[0]!.consumers[0]!.group).toBe('g,h')
    expect(commitsOn(commits, 'prod/etl', 't', 0)).toEqual([
      { group: 'g', offset: 9n },
      { group: 'h', offset: 7n },
    ])
  })

  it('knows by the commits which of two topics that look the same the job reads', () => {
    const looksTheSame = {
      'a.b': { 0: 'ambiguous_topic', 1: 'ambiguous_topic' },
      a_b: { 0: 'ambiguous_topic' },
    } as const

    expect(adopt({ job: looksTheSame, groups: { g: { 'a.b': { 0: 4n } } } }).rows).toEqual({
      'prod/etl a.b/0': 4n,
      'prod/etl a.b/1': 'ambiguous_topic',
    })
    expect(adopt({ job: looksTheSame, groups: { g: { 'a.b': { 0: 4n }, a_b: { 0: 1n } } } }).rows).toEqual({
      'prod/etl a.b/0': 4n,
      'prod/etl a.b/1': 'ambiguous_topic',
      'prod/etl a_b/0': 1n,
    })
    expect(adopt({ job: looksTheSame, groups: { g: { t: { 0: 4n } } } }).rows).toEqual({
      'prod/etl a.b/0': 'ambiguous_topic',
      'prod/etl a.b/1': 'ambiguous_topic',
      'prod/etl a_b/0': 'ambiguous_topic',
    })
  })

  it('keeps names that are only shown as such', () => {
    const batch = jobBatch({ t: { 0: 'no_position' }, x_y: { 0: 'end_unknown' } })
    const shown = { ...batch, topics: batch.topics.map((topic) => ({ ...topic, exact: topic.name === 't' })) }
    const steps = adoptGroups(
      { batches: [shown, fakeBatch({ g: { t: { 0: 4n } } })], problems: [] },
      new Map([['g', 'prod/etl']]),
      new Map([['prod/etl', job(true)]]),
    )
    let step = steps.next()
    while (step.done !== true) step = steps.next()

    expect(step.value.batches[0]!.topics).toEqual([
      { name: 't', exact: true },
      { name: 'x_y', exact: false },
    ])
  })
})
