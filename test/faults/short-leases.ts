import { setTimeout as sleep } from 'node:timers/promises'
import { ids } from './registrants.ts'
import type { World } from './world.ts'

/** Registrants with the shortest lease there is, who call three times in it. */
export interface ShortLeases {
  readonly ids: readonly string[]
  /** How many times one of them was seen in another state than `listed`, or had to register again. */
  stop(): Promise<number>
}

const leaseSeconds = 5
const callEveryMs = 1_500

export async function keepShortLeases(world: World, count = 20): Promise<ShortLeases> {
  const stopping = new AbortController()
  const mine = ids('faults/short/worker', count)
  for (const id of mine) await world.put(id, { lease_seconds: leaseSeconds })
  let lost = 0

  async function call(): Promise<void> {
    for (const id of mine) {
      const { status } = await world.heartbeat(id).catch(() => ({ status: 0 }))
      if (status === 404) lost++
    }
    const { text } = await world.ask('/sd/v1/targets').catch(() => ({ text: '' }))
    lost += text.split('"__meta_lagkeeper_state":"lingering"').length - 1
  }

  const done = (async () => {
    while (!stopping.signal.aborted) {
      await call()
      await sleep(callEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()
  return {
    ids: mine,
    stop: async () => {
      stopping.abort()
      await done
      for (const id of mine) await world.withdraw(id)
      return lost
    },
  }
}
