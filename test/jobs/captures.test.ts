import { describe, expect, it } from 'vitest'
import { figuresOf } from '../../src/jobs/figures.ts'
import { examine } from '../../src/jobs/settle.ts'
import { factsOf, readCapture, versions } from './captures.ts'
import { inSteps } from './fakes.ts'

describe.each(versions)('the captured jobs of Flink %s', (version) => {
  const capture = readCapture(version)
  const found = (name: string) => inSteps(examine(factsOf(capture, name), new Map())).value
  // By the end of 2026 only the long-term 1.20 and the last two of 2.x are supported.
  const old = version === '1.20.5' || version === '2.2.1' ? [] : ['end_of_life']

  it('one reads a topic twice and falls into three parts', () => {
    const known = found('dup+disconnected')

    expect([...known.keys()]).toEqual(['topic_read_twice', 'disconnected_parts', ...old])
    const [twice, ...more] = known.get('topic_read_twice')!.finding.evidence
    expect(more).toEqual([])
    expect(twice).toMatch(/^partitions 0 and 1 of pay_events: read by Source:_.*pay_a.* and Source:_.*pay_b.*$/)
    const parts = known.get('disconnected_parts')!.finding
    expect(parts.message).toContain('3 jobs in one')
    expect(parts.evidence).toHaveLength(3)
    expect(parts.evidence.join('\n')).toMatch(/pay_a.*\n.*pay_b.*\n.*gen/)
  })

  it.each(capture.jobs.map(({ name }) => name).filter((name) => name !== 'dup+disconnected'))(
    '%s has nothing wrong but its age',
    (name) => {
      const isOldConsumer = name === 'legacy-consumer' && !['1.11.4', '1.12.5', '1.13.6', '1.14.6'].includes(version)

      expect([...found(name).keys()]).toEqual(isOldConsumer ? ['end_of_life'] : old)
    },
  )

  it('tells which subtasks and partitions each source has', () => {
    expect(figuresOf(factsOf(capture, 'slow-orders')).sources).toMatchObject([
      { topics: ['load_big_v1'], partitions: 2 },
    ])
    expect(figuresOf(factsOf(capture, 'dup+disconnected')).sources.map(({ topics }) => topics)).toEqual([
      ['pay_events'],
      ['pay_events'],
    ])
  })

  it('would say that a source has more subtasks than partitions', () => {
    const facts = { ...factsOf(capture, 'orders.etl-v1'), partitionsOf: () => 1 }

    expect(inSteps(examine(facts, new Map())).value.get('parallelism_above_partitions')?.finding.evidence).toEqual([
      expect.stringMatching(/^parallelism 2 for 1 partition of ods_orders_v1: Source: /),
    ])
  })

  it('would say that partitions are not read', () => {
    const facts = { ...factsOf(capture, 'orders.etl-v1'), partitionsOf: () => 5 }

    expect(inSteps(examine(facts, new Map())).value.get('partition_unread')?.finding.evidence).toEqual([
      'nobody reads 2 of 5 partitions of ods_orders_v1: 3 and 4',
    ])
  })
})
