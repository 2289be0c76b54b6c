import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNKNOWN } from '../../src/judge/end-rows.ts'
import type { SavedJudge } from '../../src/judge/judge.ts'
import { judgeLines } from '../../src/judge/judge-lines.ts'
import { createJudgeReader } from '../../src/judge/judge-reader.ts'
import { rowOf } from '../../src/judge/movement.ts'
import { offsetAt } from '../../src/model/offsets.ts'
import { INTERVAL, watch } from './watched.ts'

const START = 1_000_000
const WALL = 1_700_000_000_000
const head = { kafkaCluster: 'main', clusterId: 'abc' }

type World = ReturnType<typeof watch>

/** What a later process reads, at the same moment or another one of both clocks. */
function later(world: World, now: number, other = { now, wall: WALL + now }): SavedJudge {
  const reader = createJudgeReader('main', other)
  for (const text of judgeLines(world.judge, head, { now, wall: WALL + now })) expect(reader.take(text)).toBeUndefined()
  const found = reader.done()
  expect(found?.clusterId).toBe('abc')
  return found!.saved
}

function lived(cycles = 50): { readonly world: World; readonly now: number } {
  const world = watch()
  let now = START
  for (let cycle = 0; cycle < cycles; cycle++) {
    now = START + cycle * INTERVAL
    world.see(now, {
      ends: { t: [cycle * 100, 'timeout', 7], __proto__x: [1] },
      ids: { t: 'id-1' },
      positions: {
        c: { t: { 0: Math.max(0, Math.floor(cycle / 4) * 400 - 50) } },
        stuck: { t: { 0: 10, 2: 7 } },
      },
      members: { c: 2 },
    })
  }
  return { world, now }
}

function damaged(lines: readonly string[]): string | undefined {
  const reader = createJudgeReader('main', { now: START, wall: WALL })
  for (const text of lines) {
    const wrong = reader.take(text)
    if (wrong !== undefined) return wrong
  }
  return reader.done() === undefined ? 'breaks off' : undefined
}

describe('what a judge leaves to the next process', () => {
  it('says the same in the next cycle as if nothing had been between', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(500), fc.nat(500)), { minLength: 2, maxLength: 60 }), (steps) => {
        const world = watch()
        let [now, end, position] = [START, 0, 0]
        const seen = () => ({ ends: { t: [end] }, positions: { c: { t: { 0: position } } }, members: { c: 1 } })
        for (const [arrived, read] of steps) {
          end += arrived
          position = Math.min(end, position + read)
          world.see(now, seen())
          now += INTERVAL
        }
        const next = watch({ saved: later(world, now) })
        next.see(now, seen())
        world.see(now, seen())
        const [one, other] = [world.of('c', 't'), next.of('c', 't')]
        expect(other.timeLag).toEqual(one.timeLag)
        expect(other.commitInterval).toBe(one.commitInterval)
        expect(other.rewinds).toBe(one.rewinds)
        expect(Math.abs((other.positionChangedAt ?? 0) - (one.positionChangedAt ?? 0))).toBeLessThan(1_000)
      }),
      { numRuns: 50 },
    )
  })

  it('keeps any offset, and names that are those of no ordinary field', () => {
    const most = 2n ** 63n - 1n
    const world = watch()
    const names = ['__proto__', 'constructor', 'toString', 'a"b\\\n', 'lines']
    for (let cycle = 0; cycle < 3; cycle++)
      world.see(START + cycle * INTERVAL, {
        ends: Object.fromEntries(names.map((name) => [name, [Number(most - 4096n)]])),
        positions: Object.fromEntries(
          names.map((name) => [name, Object.fromEntries(names.map((topic) => [topic, { 0: Number(most - 8191n) }]))]),
        ),
      })
    const saved = later(world, START + 3 * INTERVAL)

    expect([...saved.consumers.keys()]).toEqual([...world.judge.consumers().keys()])
    for (const [name, { topics }] of world.judge.consumers()) {
      expect([...saved.consumers.get(name)!.topics.keys()]).toEqual([...topics.keys()])
      for (const [topic, movement] of topics)
        expect(rowOf(saved.consumers.get(name)!.topics.get(topic)!, 0)).toEqual(rowOf(movement, 0))
    }
    expect([...saved.history.entries().keys()]).toEqual([...world.judge.history.entries().keys()])
    for (const [name, { first }] of world.judge.history.entries())
      expect(offsetAt(saved.history.rows.base, saved.history.entries().get(name)!.first)).toBe(
        offsetAt(world.judge.history.rows.base, first),
      )
  })

  it('is refused when a line is cut, lost, doubled or not the last', () => {
    const { world, now } = lived()
    const lines = [...judgeLines(world.judge, head, { now, wall: WALL + now })]

    expect(damaged(lines)).toBeUndefined()
    for (const index of lines.keys()) {
      const text = lines[index]!
      for (const cut of [1, 5, text.length >> 1, text.length - 2])
        expect(damaged(lines.with(index, text.slice(0, cut)))).toBeDefined()
      expect(damaged(lines.toSpliced(index, 1))).toBeDefined()
      expect(damaged(lines.toSpliced(index, 0, text))).toBeDefined()
    }
    expect(damaged([...lines, lines[1]!])).toBe('something behind the end')
  })

  it('is refused, or read without harm, whatever one field is', () => {
    const { world, now } = lived(10)
    const lines = [...judgeLines(world.judge, head, { now, wall: WALL + now })]
    const odd = fc.oneof(
      fc.constantFrom<unknown>(null, true, '', '9'.repeat(20), [], {}, [[]], -1, 1.5, 1e300, 2 ** 53, '__proto__', [
        null,
      ]),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.nat(30), odd, (index, place, value) => {
        const fields: Record<string, unknown> = JSON.parse(lines[index]!)
        const paths = pathsOf(fields)
        const changed = lines.with(index, JSON.stringify(withValue(fields, paths[place % paths.length]!, value)))
        const reader = createJudgeReader('main', { now: START, wall: WALL })
        if (changed.some((text) => reader.take(text) !== undefined)) return
        const saved = reader.done()?.saved
        if (saved === undefined) return
        const next = watch({ saved })
        for (let cycle = 0; cycle < 5; cycle++) {
          next.see(START + cycle * INTERVAL, {
            ends: { t: [2_000 + cycle, 5, 7] },
            positions: { c: { t: { 0: 900 } }, stuck: { t: { 0: 10 } } },
          })
          for (const name of ['c', 'stuck']) {
            const { timeLag, commitInterval, positionChangedAt, since } = next.of(name, 't')
            for (const figure of [timeLag?.seconds, timeLag?.uncertainty, commitInterval, positionChangedAt, since])
              if (figure !== undefined && !(Number.isFinite(figure) && figure >= 0)) expect.fail(`${name}: ${figure}`)
          }
        }
      }),
      { numRuns: 400 },
    )
  })

  it('is refused when it is of another Kafka cluster, another version or something else', () => {
    const { world, now } = lived(3)
    const lines = [...judgeLines(world.judge, { ...head, kafkaCluster: 'other' }, { now, wall: WALL + now })]

    expect(damaged(lines)).toBe('of Kafka cluster "other"')
    expect(damaged([lines[0]!.replace('"version":1', '"version":2')])).toBe('not of this kind')
    expect(damaged(['{"lagkeeper":"records lost"}'])).toBe('not of this kind')
    expect(damaged(['null'])).toBe('not of this kind')
    expect(damaged([])).toBe('breaks off')
  })

  it('takes no moment for a future one when the wall clock was set back', () => {
    const { world, now } = lived()
    const saved = later(world, now, { now: 5_000, wall: WALL + now - 7_200_000 })

    for (const { askedAt, readAt } of saved.history.slots.moments) {
      expect(readAt).toBeLessThanOrEqual(5_000)
      expect(askedAt).toBeLessThanOrEqual(readAt)
    }
    const next = watch({ saved })
    next.see(5_000 + INTERVAL, {
      ends: { t: [4_950, 5, 7] },
      positions: { c: { t: { 0: 4_600 } }, stuck: { t: { 0: 10 } } },
    })
    expect(next.of('stuck', 't').status).not.toBe('stalled')
    expect(next.of('stuck', 't').since).toBeLessThanOrEqual(WALL + 5_000 + INTERVAL)
  })

  it('knows how fast records come when the wall clock was set back', () => {
    const options = { kept: () => ({ retentionBytes: 1e9 }) }
    const world = watch(options)
    const seen = (cycle: number) => ({ ends: { t: [cycle * 100] }, positions: { c: { t: { 0: 1_000 } } } })
    for (let cycle = 0; cycle < 240; cycle++) world.see(START + cycle * INTERVAL, seen(cycle))
    const now = START + 240 * INTERVAL
    const next = watch({ ...options, saved: later(world, now, { now: 5_000, wall: WALL + now - 7_200_000 }) })
    for (let cycle = 240; cycle < 244; cycle++) {
      world.see(START + cycle * INTERVAL, seen(cycle))
      next.see(5_000 + (cycle - 239) * INTERVAL, seen(cycle))
      // 1,000 records at 100 in 15 s.
      expect(world.of('c', 't').headroomSeconds).toBeCloseTo(150, -1)
      expect(next.of('c', 't').headroomSeconds).toBeCloseTo(150, -1)
      expect(Math.abs(next.of('c', 't').timeLag!.seconds - world.of('c', 't').timeLag!.seconds)).toBeLessThan(60)
    }
  })

  it('only makes time lags longer when the wall clock was set forward', () => {
    const { world, now } = lived()
    const next = watch({ saved: later(world, now, { now: 5_000_000_000, wall: WALL + now + 3_600_000 }) })
    next.see(5_000_000_000 + INTERVAL, {
      ends: { t: [5_000, 5, 7] },
      positions: { c: { t: { 0: 4_850 } }, stuck: { t: { 0: 10 } } },
    })

    expect(next.of('c', 't').status).toBe('ok')
    expect(next.of('c', 't').timeLag?.seconds).toBeGreaterThan(3_000)
  })

  it('mixes no moments when cycles come while it is written', () => {
    const world = watch()
    const see = (cycle: number): unknown =>
      world.see(START + cycle * INTERVAL, { ends: { a: [cycle * 10], b: [cycle * 10] }, positions: {} })
    for (let cycle = 0; cycle < 370; cycle++) see(cycle)
    const now = START + 370 * INTERVAL
    const writing = judgeLines(world.judge, head, { now, wall: WALL + now })
    const lines: string[] = [writing.next().value!, writing.next().value!]
    for (let cycle = 370; cycle < 380; cycle++) see(cycle)
    lines.push(...writing)

    const reader = createJudgeReader('main', { now, wall: WALL + now })
    for (const text of lines) expect(reader.take(text)).toBeUndefined()
    const { history } = reader.done()!.saved
    const cellsOf = (topic: string): readonly number[] =>
      history.slots.column.map((column) => history.rows.columns[column]![history.entries().get(topic)!.first]!)
    expect(cellsOf('a')).not.toContain(UNKNOWN)
    expect(cellsOf('b').filter((cell) => cell === UNKNOWN).length).toBe(10)
    for (const [slot, cell] of cellsOf('b').entries()) if (cell !== UNKNOWN) expect(cell).toBe(cellsOf('a')[slot])
  })

  it('is thinned to what can be written in a moment', () => {
    const { world, now } = lived(300)
    const few = [...judgeLines(world.judge, head, { now, wall: WALL + now }, 40)]
    const reader = createJudgeReader('main', { now, wall: WALL + now })
    for (const text of few) expect(reader.take(text)).toBeUndefined()
    const { moments } = reader.done()!.saved.history.slots

    expect(moments.length).toBe(10)
    expect(moments[0]!.readAt).toBeLessThan(START + INTERVAL)
    expect(moments.at(-1)!.readAt).toBeGreaterThan(now - 2)
  })
})

function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  const below = Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))
  return path.length === 0 ? below : [path, ...below]
}

function withValue(from: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  if (Array.isArray(from)) return from.with(Number(key), withValue(from[Number(key)], rest, value))
  const fields: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(from ?? {}))
  return { ...fields, [key]: withValue(fields[key], rest, value) }
}
