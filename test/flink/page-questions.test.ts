import { describe, expect, it } from 'vitest'
import type { FlinkPage, PartitionReading } from '../../src/flink/flink-page.ts'
import { createPageQuestions } from '../../src/flink/page-questions.ts'
import { captured, parsePage, versions } from './captured-pages.ts'

const operator = { jobId: 'j', jobName: 'j', taskId: 't', operatorId: 'o', operatorName: 'o', subtask: 0, attempt: 0 }

function pageOf(
  topics: Readonly<Record<string, PartitionReading['generation']>>,
  names: readonly string[] = [],
  more: Partial<FlinkPage> = {},
): FlinkPage {
  const partitions = Object.entries(topics).map(([topic, generation]) => ({
    operator,
    generation,
    topic,
    partition: 0,
    current: 1,
    committed: 1,
  }))
  const topicNames = new Map(names.map((name) => [name.replaceAll('.', '_'), new Set([name])]))
  return { tmId: 'tm', partitions, operators: [{ operator }], topicNames, bytes: 100, badLines: 0, ...more }
}

describe('createPageQuestions()', () => {
  it('asks for families once they had all that the whole page has, and for the whole page when its time has come', () => {
    const questions = createPageQuestions(600)
    expect(questions.next(0)).toBe('whole')
    expect(questions.tookWhole(pageOf({ a: 'source' }, [], { bytes: 1_000 }), 0)).toBe(true)
    questions.compare(pageOf({ a: 'source' }))

    expect(questions.next(1)).toBe('families')
    expect(questions.next(599)).toBe('families')
    expect(questions.next(600)).toBe('whole')
  })

  it.each<[string, FlinkPage | undefined]>([
    ['is none', undefined],
    ['is not much smaller', pageOf({ a: 'source', b: 'source' }, [], { bytes: 900 })],
    ['lacks a partition', pageOf({ a: 'source' })],
    [
      'lacks a gauge',
      pageOf({ a: 'source', b: 'source' }, [], {
        partitions: pageOf({ a: 'source', b: 'source' }).partitions.map(({ committed: _, ...one }) => one),
      }),
    ],
    ['lacks an operator', pageOf({ a: 'source', b: 'source' }, [], { operators: [] })],
  ])(
    'goes on with whole pages when the answer to compare %s, and compares again when one is due anyway',
    (_, answer) => {
      const questions = createPageQuestions(600)
      const whole = pageOf({ a: 'source', b: 'source' }, [], { bytes: 1_000 })
      questions.tookWhole(whole, 0)
      questions.compare(answer)

      expect(questions.next(1)).toBe('whole')
      expect(questions.tookWhole(whole, 300)).toBe(false)
      expect(questions.tookWhole(whole, 600)).toBe(true)
      questions.compare({ ...whole, bytes: 100 })
      expect(questions.next(601)).toBe('families')
    },
  )

  it('adds the names of topics that only a whole page has', () => {
    const questions = createPageQuestions(600)
    questions.tookWhole(pageOf({ a_b: 'legacy' }, ['a.b']), 0)

    expect(questions.complete(pageOf({ a_b: 'legacy', c: 'source' }))?.topicNames.get('a_b')).toEqual(new Set(['a.b']))
  })

  it('asks for a whole page when another job has a topic of that name: the HELP line may be of the former one', () => {
    const questions = createPageQuestions(600)
    questions.tookWhole(pageOf({ a_b: 'legacy' }, ['a.b']), 0)
    const page = pageOf({ a_b: 'legacy' })
    const partitions = page.partitions.map((one) => ({ ...one, operator: { ...operator, jobId: 'another' } }))

    expect(questions.complete({ ...page, partitions })).toBeUndefined()
  })

  it('asks for a whole page when a legacy consumer has a topic that was not on the last one', () => {
    const questions = createPageQuestions(600)
    questions.tookWhole(pageOf({ a_b: 'legacy', odd: 'legacy' }, ['a.b']), 0)

    expect(questions.complete(pageOf({ a_b: 'legacy', c_d: 'legacy' }))).toBeUndefined()
    expect(questions.complete(pageOf({ 'c.d': 'legacy' }, [], { hasTrueLabels: true }))).toBeDefined()
    // The whole page had no name for it either.
    expect(questions.complete(pageOf({ odd: 'legacy' }))).toBeDefined()
  })

  it.each(versions)('trusts what the reporter of %s answered when it was asked for families', (version) => {
    const questions = createPageQuestions(600)
    const whole = parsePage(captured(`asked/${version}-whole`))
    const families = parsePage(captured(`asked/${version}-families`))

    questions.tookWhole(whole, 0)
    questions.compare(families)

    expect(questions.next(1)).toBe('families')
    expect(whole.bytes / families.bytes).toBeGreaterThan(30)
    expect(questions.complete(families)).toEqual({ ...families, topicNames: whole.topicNames })
  })
})
