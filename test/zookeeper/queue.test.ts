import { describe, expect, it } from 'vitest'
import type { Call } from '../../src/zookeeper/calls.ts'
import { createCallQueue } from '../../src/zookeeper/queue.ts'

function call(what: string): Call {
  const state = { isSettled: false }
  return {
    what,
    opcode: 1,
    body: Buffer.alloc(0),
    isRepeatable: true,
    isExclusive: false,
    attempts: 0,
    isSettled: () => state.isSettled,
    answer: () => undefined,
    fail: () => {
      state.isSettled = true
    },
  }
}

describe('the queue of calls', () => {
  it('is first in, first out, drops what was given up, and takes calls back in front', () => {
    const queue = createCallQueue()
    const [a, b, c, d] = [call('a'), call('b'), call('c'), call('d')]
    for (const one of [a, b, c]) queue.push(one)

    expect(queue.first()).toBe(a)
    queue.shift()
    b.fail(new Error('given up'))
    expect(queue.first()).toBe(c)
    queue.shift()
    expect(queue.first()).toBeUndefined()
    queue.push(d)
    queue.putBack([a, c])

    expect(queue.takeAll()).toEqual([a, c, d])
    expect(queue.first()).toBeUndefined()
  })

  it('stays in order over thousands', () => {
    const queue = createCallQueue()
    const all = Array.from({ length: 5_000 }, (_, index) => call(String(index)))
    for (const one of all) queue.push(one)

    const taken = all.map(() => {
      const first = queue.first()
      queue.shift()
      return first
    })

    expect(taken).toEqual(all)
    expect(queue.takeAll()).toEqual([])
  })

  it('does not hold on to what was taken out', async () => {
    const queue = createCallQueue()
    const answers = new FinalizationRegistry<string>((what) => freed.push(what))
    const freed: string[] = []
    for (let index = 0; index < 10; index++) {
      const one = call(String(index))
      answers.register(one, one.what)
      queue.push(one)
    }
    for (let index = 0; index < 10; index++) {
      queue.first()
      queue.shift()
    }

    for (let attempt = 0; attempt < 20 && freed.length < 9; attempt++) {
      globalThis.gc?.()
      // Garbage, so that there is a collection without the flag too.
      Array.from({ length: 200_000 }, (_, index) => ({ index }))
      await new Promise(setImmediate)
    }

    expect(freed.length).toBeGreaterThanOrEqual(9)
    expect(queue.first()).toBeUndefined()
  })
})
