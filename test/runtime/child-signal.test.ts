import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { childSignal } from '../../src/runtime/child-signal.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { withDeadline } from '../../src/runtime/deadline.ts'
import { within } from '../../src/runtime/within.ts'

/** What a signal holds of those that were made of it. */
function heldBy(signal: AbortSignal): number {
  const held = Object.getOwnPropertySymbols(signal).map((symbol): unknown => Reflect.get(signal, symbol))
  return held.reduce<number>((sum, value) => sum + (value instanceof Set ? value.size : 0), 0)
}

it('aborts with its parent, by itself, and not any more once it was let go of', () => {
  const parent = new AbortController()
  const [one, own, released] = [childSignal(parent.signal), childSignal(parent.signal), childSignal(parent.signal)]
  released.release()
  own.abort()
  expect([one, own, released].map(({ signal }) => signal.aborted)).toEqual([false, true, false])

  parent.abort('enough')
  expect([one, own, released].map(({ signal }) => signal.aborted)).toEqual([true, true, false])
  expect(one.signal.reason).toBe('enough')
  expect(childSignal(parent.signal).signal.reason).toBe('enough')
})

it.each([
  ['a wait in the runtime', (signal: AbortSignal) => withDeadline('Wait', 1_000, signal, async () => undefined)],
  ['a wait of discovery', (signal: AbortSignal) => within('Wait', 1_000, systemClock, signal, async () => undefined)],
])('nothing of %s stays behind on a signal that lives long', async (_, wait) => {
  const { signal } = new AbortController()
  for (let turn = 0; turn < 100; turn++) await wait(signal)

  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  expect(heldBy(signal)).toBe(0)
})
