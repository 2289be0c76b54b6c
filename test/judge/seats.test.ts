import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicJudgement } from '../../src/model/judgement.ts'
import { INTERVAL, type Seen, watch } from './watched.ts'

const START = 1_000_000
const MINUTE = 60_000

/** What happens to one consumer of two partitions in one stretch of its life, each some minutes long. */
type Phase = 'idle' | 'reads' | 'stands' | 'rewinds' | 'is cut off' | 'loses its members'

/** The cycles of a life, as they are seen. */
function cyclesOf(phases: readonly { readonly phase: Phase; readonly minutes: number }[]): readonly Seen[] {
  const [ends, positions] = [
    [100, 50],
    [100, 50],
  ]
  let members = 2
  return phases.flatMap(({ phase, minutes }) =>
    Array.from({ length: (minutes * MINUTE) / INTERVAL }, (_, cycle): Seen => {
      if (phase === 'reads' || phase === 'stands') ends[0]! += 150
      if (phase === 'reads') members = 2
      if (phase === 'loses its members') members = 0
      if (phase === 'rewinds' && cycle === 0) positions[0]! -= 30
      else if (phase !== 'stands') positions.splice(0, 2, ...ends)
      const end = phase === 'is cut off' ? ('timeout' as const) : ends[0]!
      return {
        ends: { t: [end, ends[1]!] },
        positions: { c: { t: { 0: positions[0]!, 1: positions[1]! } }, other: { t: { 0: ends[0]!, 1: ends[1]! } } },
        members: { c: members },
      }
    }),
  )
}

describe('consumers that rest', () => {
  it('are not touched while nothing happens, and are not forgotten', () => {
    const world = watch()
    let touched = 0
    let last = 0
    for (const [cycle, seen] of cyclesOf([{ phase: 'idle', minutes: 120 }]).entries()) {
      world.see(START + cycle * INTERVAL, seen)
      const { lastAt } = world.judge.consumers().get('c')!.topics.get('t')!
      if (lastAt !== last && cycle * INTERVAL > 60 * MINUTE) touched++
      last = lastAt
    }

    // Of 240 cycles every sixteenth.
    expect(touched).toBeGreaterThanOrEqual(14)
    expect(touched).toBeLessThanOrEqual(16)
  })

  it('say the same again', () => {
    const world = watch()
    const told = new Set<string>()
    for (const [cycle, seen] of cyclesOf([{ phase: 'idle', minutes: 180 }]).entries()) {
      world.see(START + cycle * INTERVAL, seen)
      if (cycle * INTERVAL > 30 * MINUTE) told.add(JSON.stringify(world.of('c', 't')))
    }

    expect(told.size).toBe(1)
  })

  it('have the rates of the last minutes when they wake', () => {
    const world = watch()
    const life = cyclesOf([
      { phase: 'idle', minutes: 118 },
      { phase: 'reads', minutes: 5 },
    ])
    for (const [cycle, seen] of life.entries()) world.see(START + cycle * INTERVAL, seen)

    // 150 records in 15 s, of which rates are those of five to six minutes.
    const { produceRate, consumeRate } = world.of('c', 't')
    expect(produceRate).toBeGreaterThan(7.9)
    expect(produceRate).toBeLessThan(10.1)
    expect(consumeRate).toBeGreaterThan(7.9)
    expect(consumeRate).toBeLessThan(10.1)
  })

  it('are judged as those that are looked at in every cycle', () => {
    const phase = fc.constantFrom<Phase>(
      'idle',
      'idle',
      'reads',
      'stands',
      'rewinds',
      'is cut off',
      'loses its members',
    )
    const life = fc.array(fc.record({ phase, minutes: fc.integer({ min: 1, max: 45 }) }), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(life, (phases) => {
        const [resting, restless] = [watch(), watch({ isRestless: true })]
        let differed = 0
        for (const [cycle, seen] of cyclesOf([{ phase: 'idle', minutes: 20 }, ...phases]).entries()) {
          const at = START + cycle * INTERVAL
          resting.see(at, seen)
          restless.see(at, seen)
          const [one, other] = [resting.of('c', 't'), restless.of('c', 't')]
          expect(sure(one), `${at}`).toEqual(sure(other))
          differed = one.status === other.status ? 0 : differed + 1
          expect(differed, `cycles to ${at} with another status`).toBeLessThanOrEqual(STRETCH / INTERVAL)
        }
      }),
      { numRuns: 12 },
    )
  })
})

/** The stretches of a floor begin at other cycles, and so do samples: what follows from them comes a stretch later at most. */
const STRETCH = 210_000

/** What does not follow from them. */
function sure({ timeLag, positionChangedAt, commitInterval, headroomRecords, rewinds }: TopicJudgement): object {
  return { timeLag, positionChangedAt, commitInterval, headroomRecords, rewinds }
}
