import type { World } from './recorded-world.ts'

/**
 * An evening: `billing` reads what comes but for the minutes from 5:00 to 22:30, and `mail` always does. Each reads a
 * topic of its own, of two partitions.
 */
export function stalledEvening(file: string, cycles = 130): World {
  return {
    file,
    cycles,
    prepare: ({ state }) => {
      state.createTopic('orders', 2)
      state.createTopic('letters', 2)
      for (const group of ['billing', 'mail']) state.setGroup(group, { members: [{ assignment: {} }] })
    },
    live: ({ state }, cycle) => {
      for (const [topic, group] of [
        ['orders', 'billing'],
        ['letters', 'mail'],
      ] as const)
        for (const partition of [0, 1]) {
          state.append(topic, partition, 30)
          const stands = group === 'billing' && cycle >= 20 && cycle < 90
          if (!stands) state.commit(group, topic, partition, BigInt(30 * (cycle + 1)))
        }
    },
  }
}
