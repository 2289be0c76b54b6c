import { beforeEach, describe, expect, it } from 'vitest'
import { createHandovers, type Handovers } from '../../src/registry/handovers.ts'
import { type Logger, silentLogger } from '../../src/runtime/logger.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'

const windowMs = 18_000

let clock: FakeClock
let present: Map<string, boolean>
let warnings: string[]
let handovers: Handovers

beforeEach(() => {
  clock = fakeClock()
  present = new Map([
    ['a', true],
    ['b', true],
  ])
  warnings = []
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) }
  handovers = createHandovers({
    isPresent: (holder) => present.get(holder),
    windowMs: () => windowMs,
    clock,
    logger,
  })
})

const note = (id: string, record: number, holder = 'a', isMarked = false) =>
  handovers.note({ id, from: { holder, record }, isMarked })
const due = () => Object.fromEntries(Array.from(handovers.due(), ([holder, over]) => [holder, [...over]]))

it('is due at once for a replica that is away', () => {
  present.set('a', false)

  note('x', 7)

  expect(due()).toEqual({ a: [[7, 'x']] })
})

it('is forgotten after a while for one that lives', async () => {
  note('x', 7)
  await clock.advance(windowMs + 1)
  handovers.expire()

  present.set('a', false)
  await handovers.review()

  expect(due()).toEqual({})
})

it('is due for one that is seen to be away within that while', async () => {
  note('x', 7)
  note('y', 8, 'b')
  await clock.advance(windowMs - 1)
  handovers.expire()
  await handovers.review()
  expect(due()).toEqual({})

  present.set('a', false)
  await handovers.review()

  expect(due()).toEqual({ a: [[7, 'x']] })
})

it('is due after that while for one of whom nothing is known', async () => {
  note('x', 7, 'stranger')
  await handovers.review()
  expect(handovers.hasDue()).toBe(false)

  await clock.advance(windowMs + 1)
  handovers.expire()

  expect(due()).toEqual({ stranger: [[7, 'x']] })
})

it('is not for a replica that keeps no journal', async () => {
  present.set('a', false)

  handovers.note({ id: 'x', from: { holder: 'a' }, isMarked: false })

  expect(handovers.hasDue()).toBe(false)
})

describe('an end that was announced', () => {
  it('is due for whoever had it within that while, alive or not', () => {
    note('x', 7)
    note('x', 9, 'b')
    note('y', 8)

    handovers.end('x')

    expect(due()).toEqual({ a: [[7, 'x']], b: [[9, 'x']] })
  })

  it('waits where its mark stands in the znode of a replica that lives, until that one is away', async () => {
    note('x', 7, 'a', true)
    handovers.end('x')
    expect(handovers.hasDue()).toBe(false)

    present.set('a', false)
    await handovers.review()

    expect(due()).toEqual({ a: [[7, 'x']] })
  })

  it('says nothing about others', () => {
    handovers.end('x')

    expect(handovers.hasDue()).toBe(false)
  })
})

it('knows only the last record of a replica: with an earlier one it has nothing in its journal', () => {
  note('x', 7)
  note('x', 12)
  handovers.end('x')

  expect(due()).toEqual({ a: [[12, 'x']] })
})

it('is due until it is told', () => {
  present.set('a', false)
  note('x', 7)
  note('y', 8)

  handovers.told('a', [7, 99])
  expect(due()).toEqual({ a: [[8, 'y']] })
  handovers.told('a', [8])

  expect([handovers.hasDue(), due()]).toEqual([false, {}])
})

it('is bounded: the oldest are dropped, with one line in the log', async () => {
  for (let index = 1; index <= 100_010; index++) note(`x${index}`, index)
  present.set('a', false)
  await handovers.review()
  expect(due()['a']).toHaveLength(100_000)
  for (let index = 1; index <= 10; index++) note(`y${index}`, 200_000 + index)

  expect(due()['a']?.[0]).toEqual([21, 'x21'])
  expect(due()['a']).toHaveLength(100_000)
  expect(warnings).toEqual([expect.stringContaining('Too many registrations')])
})
