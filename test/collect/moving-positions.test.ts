import { expect, it } from 'vitest'
import { createMovingPositions } from '../../src/collect/moving-positions.ts'

it('asks ahead of a position that moves, and for one that stands itself', () => {
  const moving = createMovingPositions()
  moving.begin()
  expect(moving.toAsk('t', 0, 100n, 1_000n)).toBe(100n)
  moving.begin()
  expect(moving.toAsk('t', 0, 110n, 1_000n)).toBe(130n)
  moving.begin()
  expect(moving.toAsk('t', 0, 110n, 1_000n)).toBe(110n)
})

it('asks for no record that is not there yet, and knows partitions and topics apart', () => {
  const moving = createMovingPositions()
  moving.begin()
  moving.toAsk('t', 0, 100n, 150n)
  moving.begin()
  expect(moving.toAsk('t', 0, 140n, 150n)).toBe(140n)
  expect(moving.toAsk('t', 1, 140n, 1_000n)).toBe(140n)
  expect(moving.toAsk('u', 0, 140n, 1_000n)).toBe(140n)
})

it('takes the nearest of several consumers for the one that has moved', () => {
  const moving = createMovingPositions()
  moving.begin()
  moving.toAsk('t', 0, 10n, 1_000n)
  moving.toAsk('t', 0, 100n, 1_000n)
  moving.begin()
  expect(moving.toAsk('t', 0, 10n, 1_000n)).toBe(10n)
  expect(moving.toAsk('t', 0, 103n, 1_000n)).toBe(109n)
})
