import { describe, expect, it } from 'vitest'
import { cases, withCases } from '../../bench/conformance/cases.ts'
import { readResults } from '../../bench/conformance/results.ts'
import { pageWith, writtenPage } from '../../bench/conformance/results-page.ts'

describe('docs/conformance.md', () => {
  it('has the tables that the committed results give', () => {
    expect(writtenPage()).toBe(pageWith(readResults()))
  })

  it('has a result of every case for every exporter', () => {
    const ids = cases.map(({ id }) => id)
    for (const { cases: found } of readResults().exporters) expect(Object.keys(found)).toEqual(ids)
  })

  it('shows a Lagkeeper that is right everywhere', () => {
    const ours = readResults().exporters.find(({ exporter }) => exporter === 'Lagkeeper')
    const faults = { wrong: 0, missing: 0, explained: 0, negative: 0, madeUp: 0, duplicates: 0, wrongSums: 0 }

    expect(ours?.counts).toMatchObject({ ...faults, right: ours?.counts?.committed })
    expect(Object.values(ours?.cases ?? {}).every(({ isRight }) => isRight)).toBe(true)
  })
})

describe('withCases()', () => {
  const row = { topic: 'orders', partition: 0, isCommitted: true, lags: [43n], why: undefined }

  it('refuses a load that leaves a case without a row, and a row that belongs to no case', () => {
    expect(() => withCases([{ ...row, group: '' }])).toThrow('Case "plain": the load has no row for it')
    expect(() => withCases([{ ...row, group: 'new', topic: 'unheard-of' }])).toThrow('belongs to no case')
  })
})
