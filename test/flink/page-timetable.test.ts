import { describe, expect, it } from 'vitest'
import { createPageTimetable } from '../../src/flink/page-timetable.ts'

describe('createPageTimetable()', () => {
  it('gives newcomers out at once, once, and before those that have waited', () => {
    const timetable = createPageTimetable(1_000)
    timetable.add('old')
    expect(timetable.due(0)).toEqual(['old'])
    timetable.done('old', 0)
    timetable.add('new')

    expect(timetable.nextAt()).toBe(Number.NEGATIVE_INFINITY)
    expect(timetable.due(5_000)).toEqual(['new', 'old'])
    expect(timetable.due(9_000)).toEqual([])
    expect(timetable.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('brings everybody every interval, after half of one at the earliest, and spreads them over it', () => {
    const timetable = createPageTimetable(1_000)
    const ids = Array.from(
      { length: 1_000 },
      (_, index) => `prod/application_17_${index}/taskmanager/container_${index}`,
    )
    for (const id of ids) timetable.add(id)
    for (const id of timetable.due(0)) timetable.done(id, 0)

    const times = new Map<string, number[]>()
    const perStep: number[] = []
    for (let now = 0; now < 5_500; now += 50) {
      const due = timetable.due(now)
      perStep.push(due.length)
      for (const id of due) {
        times.set(id, [...(times.get(id) ?? []), now])
        timetable.done(id, now)
      }
    }

    for (const [first = 0, ...rest] of times.values()) {
      expect(first).toBeGreaterThanOrEqual(500)
      expect(first).toBeLessThanOrEqual(1_550)
      for (const [index, at] of rest.entries())
        expect(Math.abs(at - first - (index + 1) * 1_000)).toBeLessThanOrEqual(50)
    }
    expect(times.size).toBe(1_000)
    // 50 in a step on average.
    expect(Math.max(...perStep.slice(40))).toBeLessThan(85)
    expect(Math.min(...perStep.slice(40))).toBeGreaterThan(20)
  })

  it('brings somebody sooner who is to come soon, and never later than his place', () => {
    const timetable = createPageTimetable(1_000)
    timetable.add('a')
    timetable.due(0)
    timetable.done('a', 0, 50)
    expect(timetable.nextAt()).toBe(50)

    timetable.due(50)
    timetable.done('a', 50, 60_000)
    expect(timetable.nextAt()).toBeLessThanOrEqual(1_550)
  })

  it('knows nothing of those that were removed', () => {
    const timetable = createPageTimetable(1_000)
    timetable.add('a')
    timetable.remove('a')
    timetable.done('a', 0)

    expect(timetable.due(10_000)).toEqual([])
  })
})
