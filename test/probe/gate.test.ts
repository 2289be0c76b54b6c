import { expect, it } from 'vitest'
import { createGate } from '../../src/probe/gate.ts'
import { fakeClock } from '../fakes/clock.ts'

const signal = new AbortController().signal

/** Work that ends when told. */
function openWork() {
  const ends: (() => void)[] = []
  return { ends, work: () => new Promise<void>((resolve) => ends.push(resolve)) }
}

it('runs no more at once than may, and who comes first goes first', async () => {
  const gate = createGate({ mostAtOnce: 2, mostPerSecond: Number.POSITIVE_INFINITY, clock: fakeClock() })
  const order: number[] = []
  const { ends, work } = openWork()
  const all = [1, 2, 3, 4].map((one) =>
    gate(signal, async () => {
      order.push(one)
      await work()
    }),
  )
  await expect.poll(() => order).toEqual([1, 2])

  ends.shift()?.()
  await expect.poll(() => order).toEqual([1, 2, 3])
  ends.shift()?.()
  await expect.poll(() => order).toEqual([1, 2, 3, 4])
  for (const end of ends) end()
  await Promise.all(all)
})

it('begins no more in a second than may', async () => {
  const clock = fakeClock()
  const gate = createGate({ mostAtOnce: 100, mostPerSecond: 10, clock })
  let begun = 0
  const all = Array.from({ length: 30 }, () => gate(signal, async () => void begun++))

  await clock.advance(999)
  expect(begun).toBe(10)
  await clock.advance(1_000)
  expect(begun).toBe(20)
  await clock.advance(1_000)
  await Promise.all(all)
})

it('lets others go ahead when one fails or gives up', async () => {
  const gate = createGate({ mostAtOnce: 1, mostPerSecond: Number.POSITIVE_INFINITY, clock: fakeClock() })
  const { ends, work } = openWork()
  const giveUp = new AbortController()
  const first = gate(signal, work)
  const second = gate(giveUp.signal, work)
  const third = gate(signal, async () => 'through')
  await expect.poll(() => ends.length).toBe(1)

  giveUp.abort(new Error('given up'))
  ends[0]?.()

  await first
  await expect(second).rejects.toThrow('given up')
  expect(await third).toBe('through')
  await expect(gate(signal, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await gate(signal, async () => 'again')).toBe('again')
})
