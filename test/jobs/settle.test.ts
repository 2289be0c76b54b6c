import { describe, expect, it } from 'vitest'
import type { JobFacts } from '../../src/jobs/facts.ts'
import { examine, type KnownFindings, settled } from '../../src/jobs/settle.ts'
import { fakeFacts, fakeGauges, fakeJob, inSteps, NOW } from './fakes.ts'

const silent = [{ process: 'tm', host: 'h', why: 'w' }]

/** Kinds that are told after each look, `[seconds, facts]`. */
function told(...looks: readonly (readonly [number, Partial<JobFacts>])[]): readonly string[] {
  let known: KnownFindings = new Map()
  return looks.map(([seconds, facts]) => {
    const now = NOW + seconds * 1000
    known = inSteps(examine(fakeFacts({ ...facts, now }), known)).value
    return settled(known, now)
      .map(({ kind, since }) => `${kind} ${((since ?? 0) - NOW) / 1000}`)
      .join()
  })
}

describe('findings', () => {
  it('are told once they have been there for long enough, with when they were seen first', () => {
    expect(told([0, { silent }], [30, { silent }], [60, { silent }], [70, {}])).toEqual(['', '', 'no_reporter 0', ''])
  })

  it('begin anew when they were gone meanwhile', () => {
    expect(told([0, { silent }], [30, {}], [60, { silent }], [120, { silent }])).toEqual(['', '', '', 'no_reporter 60'])
  })

  it('stay while the facts do not tell, for a quarter of an hour at most', () => {
    const old = { job: fakeJob({ version: '1.15.4' }) }
    const blind = { job: fakeJob({ version: '' }) }

    expect(told([0, old], [10, blind], [900, blind], [901, blind])).toEqual([
      'end_of_life 0',
      'end_of_life 0',
      'end_of_life 0',
      '',
    ])
  })

  it('are in the order of how bad they are', () => {
    const facts = {
      silent,
      gauges: fakeGauges({ operator: 'a' }, { operator: 'b' }),
      job: fakeJob({ version: '1.9.0' }),
    }

    expect(told([0, facts], [60, facts])[1]).toBe('no_reporter 0,topic_read_twice 0,end_of_life 0')
  })

  it('do not become older than they are when the clock is set back', () => {
    expect(told([0, { silent }], [-500, { silent }], [-440, { silent }])[2]).toBe('no_reporter -500')
  })
})
