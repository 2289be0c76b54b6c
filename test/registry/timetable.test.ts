import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createTimetable } from '../../src/registry/timetable.ts'

it('gives each entry once, when its time has come and at most a second later', () => {
  const entries = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 50 })
  fc.assert(
    fc.property(entries, entries, (early, late) => {
      const timetable = createTimetable<number>()
      for (const at of early) timetable.add(at, at)
      const taken: number[] = []
      for (let now = 0; now <= 22_000; now += 250) {
        if (now === 10_000) for (const at of late) timetable.add(at, at)
        for (let at = timetable.take(now); at !== undefined; at = timetable.take(now)) {
          taken.push(at)
          expect(at).toBeLessThanOrEqual(now)
          if (now < 10_000) expect(now - at).toBeLessThan(1_250)
        }
      }
      expect(taken.toSorted()).toEqual([...early, ...late].toSorted())
    }),
  )
})

it('takes the earliest seconds first', () => {
  const timetable = createTimetable<string>()
  timetable.add(5_000, 'later')
  timetable.add(1_000, 'soon')

  expect(timetable.take(9_000)).toBe('soon')
  timetable.add(2_000, 'between')
  expect(timetable.take(9_000)).toBe('between')
  expect(timetable.take(9_000)).toBe('later')
  expect(timetable.take(9_000)).toBeUndefined()
  timetable.add(3_000, 'again')
  expect(timetable.take(9_000)).toBe('again')
})
