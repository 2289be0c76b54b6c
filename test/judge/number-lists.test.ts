import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addSample,
  areSamplesFlat,
  firstSample,
  RATE_MS,
  SAMPLES,
  type Sample,
  sampleEntries,
} from '../../src/judge/block-samples.ts'
import { addToFloors, areFloorsFlat, FLOORS, floorEntries, floorOf, riseOf } from '../../src/judge/floors.ts'
import { clearEntries, shiftEntries } from '../../src/judge/moment-list.ts'
import { Movement } from '../../src/judge/movement.ts'

/** What lies before and behind a list in the numbers of a movement, and is not its own. */
const OTHER = 4_711
const FROM = 2

/** A list of so many numbers between others. */
function listOf(size: number): number[] {
  const list = new Array<number>(FROM + size + 2).fill(OTHER)
  return list.fill(Number.NaN, FROM, FROM + size)
}

function othersOf(list: readonly number[], size: number): readonly number[] {
  return [...list.slice(0, FROM), ...list.slice(FROM + size)]
}

/** What happens to a list, one after the other. */
const steps = fc.array(
  fc.record({
    after: fc.constantFrom(15_000, 15_000, 61_000, 300_000, 4_000_000),
    arrived: fc.constantFrom(0, 0, 10, 1_000, -5),
    lag: fc.constantFrom(0, 0, 5, 20, 400, 9_000),
    timeLag: fc.constantFrom(0, 0, 3, 700, Number.NaN),
    spanMs: fc.constantFrom(RATE_MS, RATE_MS, 3_000_000),
    what: fc.constantFrom('add', 'add', 'add', 'add', 'add', 'add', 'shift', 'clear'),
  }),
  { maxLength: 60 },
)

describe('samples in a list of numbers', () => {
  it('are what they would be as objects', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const list = listOf(SAMPLES)
        let samples: Sample[] = []
        let [now, ends] = [1_000, 50]
        for (const { after, arrived, lag, spanMs, what } of all) {
          now += after
          ends += arrived
          if (what === 'clear') {
            clearEntries(list, FROM)
            samples = []
          } else if (what === 'shift') {
            shiftEntries(list, FROM, sampleEntries, after)
            samples = samples.map((sample) => ({ ...sample, at: sample.at + after }))
          } else {
            addSample(list, FROM, now, ends - lag, ends, spanMs)
            samples = withSample(samples, { at: now, positions: ends - lag, ends }, spanMs)
          }

          expect(firstSample(list, FROM)).toEqual(samples[0])
          expect(samplesIn(list)).toEqual(samples)
          const isFlat = samples.every((one) => one.positions === ends - lag && one.ends === ends)
          const reaches = samples.length > 0 && samples[0]!.at <= now - spanMs
          expect(areSamplesFlat(list, FROM, ends - lag, ends, now - spanMs)).toBe(isFlat && reaches)
          expect(othersOf(list, SAMPLES)).toEqual([OTHER, OTHER, OTHER, OTHER])
        }
      }),
      { numRuns: 200 },
    )
  })
})

function samplesIn(list: readonly number[]): readonly Sample[] {
  const samples: Sample[] = []
  for (let at = FROM; at < FROM + SAMPLES && !Number.isNaN(list[at]!); at += 3)
    samples.push({ at: list[at]!, positions: list[at + 1]!, ends: list[at + 2]! })
  return samples
}

function withSample(samples: readonly Sample[], sample: Sample, spanMs: number): Sample[] {
  const last = samples.at(-1)
  if (last === undefined || sample.ends < last.ends) return [sample]
  if (sample.at - last.at < Math.max(RATE_MS / 5, spanMs / 5)) return [...samples]
  const old = samples.findLastIndex(({ at }) => at <= sample.at - spanMs)
  return [...samples.slice(Math.max(old, 0)), sample].slice(-7)
}

interface Floor {
  readonly since: number
  readonly lag: number
  readonly timeLag: number
  readonly ends: number
}

describe('floors in a list of numbers', () => {
  it('are what they would be as objects', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const list = listOf(FLOORS)
        let floors: Floor[] = []
        let [now, ends] = [1_000, 50]
        for (const { after, arrived, lag, timeLag, spanMs, what } of all) {
          now += after
          ends += arrived
          if (what === 'clear') {
            clearEntries(list, FROM)
            floors = []
          } else if (what === 'shift') {
            shiftEntries(list, FROM, floorEntries, after)
            floors = floors.map((floor) => ({ ...floor, since: floor.since + after }))
          } else {
            addToFloors(list, FROM, now, lag, timeLag, ends, spanMs / 3)
            floors = withFloor(floors, { since: now, lag, timeLag, ends }, spanMs / 3)
          }

          const isFull = floors.length === 4
          expect(riseOf(list, FROM)).toEqual(isFull ? riseIn(floors) : undefined)
          expect(floorOf(list, FROM, false)).toEqual(isFull ? lowestOf(floors) : undefined)
          expect(floorOf(list, FROM, true)).toEqual(floors.length >= 2 ? lowestOf(floors.slice(-2)) : undefined)
          const isFlat = floors.every((one) => one.lag === 0 && one.timeLag === 0 && one.ends === floors[0]!.ends)
          expect(areFloorsFlat(list, FROM)).toBe(isFull && isFlat)
          expect(othersOf(list, FLOORS)).toEqual([OTHER, OTHER, OTHER, OTHER])
        }
      }),
      { numRuns: 200 },
    )
  })
})

function withFloor(floors: readonly Floor[], sample: Floor, stretchMs: number): Floor[] {
  const open = floors.at(-1)
  if (open === undefined || sample.ends < open.ends) return [sample]
  if (sample.since - open.since >= stretchMs) return [...floors.slice(-3), sample]
  const timeLag = Math.min(open.timeLag, sample.timeLag)
  return floors.with(-1, { ...open, lag: Math.min(open.lag, sample.lag), timeLag })
}

function riseIn(floors: readonly Floor[]): object | undefined {
  const [one, two, three, open] = floors
  if (!(one!.lag < two!.lag && two!.lag < three!.lag && three!.lag <= open!.lag)) return undefined
  const [records, overMs] = [three!.lag - one!.lag, three!.since - one!.since]
  const isDelayed =
    Number.isNaN(one!.timeLag) ||
    Number.isNaN(three!.timeLag) ||
    (three!.timeLag - one!.timeLag) * 1_000 > 0.005 * overMs
  return records > 0.005 * (three!.ends - one!.ends) && isDelayed ? { records, overMs } : undefined
}

function lowestOf(floors: readonly Floor[]): object {
  const times = floors.map(({ timeLag }) => timeLag)
  const isKnown = !times.some(Number.isNaN)
  return { lag: Math.min(...floors.map(({ lag }) => lag)), timeLag: isKnown ? Math.min(...times) : undefined }
}

describe('how often a consumer commits', () => {
  it('is the middle one of the last steps, and the longest until there are three', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5_000_000 }), { maxLength: 12 }), (all) => {
        const movement = new Movement(1_000, undefined)
        const before = [...movement.numbers]
        expect(movement.stepMs).toBeUndefined()
        for (const [index, step] of all.entries()) {
          movement.takeStep(step)
          const last = all.slice(Math.max(0, index - 4), index + 1)
          const sorted = last.toSorted((a, b) => a - b)
          const typical = sorted[last.length < 3 ? last.length - 1 : last.length >> 1]!
          expect(movement.steps).toEqual(last)
          expect(movement.stepMs).toBe(Math.min(typical, 3_600_000))
        }
        const changed = movement.numbers.flatMap((value, place) => (Object.is(value, before[place]) ? [] : [place]))
        expect(changed.length).toBe(all.length === 0 ? 0 : 1 + Math.min(5, all.length))
      }),
    )
  })
})
