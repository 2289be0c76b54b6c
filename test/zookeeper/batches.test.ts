import { describe, expect, it } from 'vitest'
import { eachOf, inBatches } from '../../src/zookeeper/batches.ts'

describe('inBatches()', () => {
  it.each([
    { items: [1, 2, 3, 4, 5], limits: { items: 2, bytes: 100 }, batches: [[1, 2], [3, 4], [5]] },
    { items: [4, 4, 4], limits: { items: 9, bytes: 8 }, batches: [[4, 4], [4]] },
    { items: [1, 50, 1], limits: { items: 9, bytes: 8 }, batches: [[1], [50], [1]] },
    { items: [], limits: { items: 9, bytes: 8 }, batches: [] },
  ])('cuts $items at $limits', ({ items, limits, batches }) => {
    expect(inBatches(items, (bytes) => bytes, limits)).toEqual(batches)
  })
})

describe('eachOf()', () => {
  it('has no more than so many on their way, and takes each once', async () => {
    const taken: number[] = []
    let now = 0
    let most = 0

    await eachOf([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++now)
      await Promise.resolve()
      taken.push(item)
      now--
    })

    expect([taken.toSorted(), most]).toEqual([[1, 2, 3, 4, 5], 2])
  })

  it('gives sockets and timers a turn between two of them', async () => {
    const order: string[] = []
    setImmediate(() => order.push('a turn'))

    await eachOf([1, 2], 1, async (item) => order.push(`batch ${item}`))

    expect(order).toEqual(['batch 1', 'a turn', 'batch 2'])
  })

  it('begins nothing more after the first failure', async () => {
    const begun: number[] = []

    const all = eachOf([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item)
      if (item === 2) throw new Error('broken')
    })

    await expect(all).rejects.toThrow('broken')
    await new Promise(setImmediate)
    expect(begun.length).toBeLessThanOrEqual(3)
  })
})
