import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createLane } from '../../src/discovery/lane.ts'

const forever = new AbortController().signal

/** Work that ends when it is told to. */
function step() {
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { end: () => end(), ended }
}

describe('createLane()', () => {
  it('runs so many at once, in the order in which they came', async () => {
    const lane = createLane(2)
    const steps = [step(), step(), step(), step()]
    const begun: number[] = []
    const done = steps.map(({ ended }, index) =>
      lane(forever, () => {
        begun.push(index)
        return ended
      }),
    )
    await sleep(0)
    expect(begun).toEqual([0, 1])
    steps[1]?.end()
    await done[1]
    await sleep(0)
    expect(begun).toEqual([0, 1, 2])
    for (const { end } of steps) end()
    await Promise.all(done)
    expect(begun).toEqual([0, 1, 2, 3])
  })

  it('has a place again after work that failed', async () => {
    const lane = createLane(1)
    await expect(lane(forever, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await lane(forever, async () => 'yes')).toBe('yes')
  })

  it('does not begin what is not wanted any more, and what comes behind it has its turn', async () => {
    const lane = createLane(1)
    const first = step()
    const unwanted = new AbortController()
    const begun: string[] = []
    const work = (name: string) => async (): Promise<void> => void begun.push(name)
    const running = lane(forever, () => first.ended)
    const dropped = Array.from({ length: 1_000 }, () => lane(unwanted.signal, work('unwanted')))
    const last = lane(forever, work('last'))
    unwanted.abort(new Error('enough'))

    first.end()

    const outcomes = await Promise.allSettled(dropped)
    await Promise.all([running, last])
    expect(begun).toEqual(['last'])
    expect(new Set(outcomes.map((one) => (one.status === 'rejected' ? String(one.reason) : 'done')))).toEqual(
      new Set(['Error: enough']),
    )
    await expect(lane(unwanted.signal, work('late'))).rejects.toThrow('enough')
  })

  it('lets others run while ten thousand that are not wanted any more go', async () => {
    const lane = createLane(1)
    const first = step()
    const unwanted = new AbortController()
    const running = lane(forever, () => first.ended)
    const dropped = Array.from({ length: 10_000 }, () => lane(unwanted.signal, async () => undefined))
    unwanted.abort(new Error('enough'))
    let gone = 0
    for (const one of dropped) one.catch(() => gone++)

    first.end()
    await running
    await new Promise((resolve) => setImmediate(resolve))

    expect(gone).toBeLessThan(2_000)
    await Promise.allSettled(dropped)
    expect(gone).toBe(10_000)
  })
})
