import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { ServerAddress } from './connect-string.ts'

/** Every address of a host name. */
export type Resolve = (host: string) => Promise<readonly string[]>

export const systemResolve: Resolve = async (host) => {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/** The servers in random order, again and again, so that many clients spread over an ensemble. */
export function createRing(servers: readonly ServerAddress[], random: () => number): () => ServerAddress {
  const order = shuffle(servers, random)
  let next = 0
  return () => {
    const server = order[next % order.length]!
    next++
    return server
  }
}

export interface Addresses {
  /** One address of the host. @throws what the look-up throws */
  pick(host: string): Promise<string>
  /** How many addresses the hosts had when they were last looked up; one for a host that was not yet. */
  count(hosts: readonly string[]): number
}

/**
 * A name is looked up at every connect and may stand for a whole ensemble: its addresses are taken in random order, each
 * once before one comes again, so that a dead one costs one attempt.
 */
export function createAddresses(resolve: Resolve, random: () => number): Addresses {
  const taken = new Map<string, ReadonlySet<string>>()
  const counts = new Map<string, number>()
  return {
    pick: async (host) => {
      if (isIP(host) !== 0) return host
      const found = shuffle([...new Set(await resolve(host))], random)
      counts.set(host, found.length)
      const before = taken.get(host) ?? new Set()
      const next = found.find((address) => !before.has(address))
      const address = next ?? found.find((one) => one !== [...before].at(-1)) ?? found[0] ?? host
      taken.set(host, new Set([...(next === undefined ? [] : before), address]))
      return address
    },
    count: (hosts) => hosts.reduce((sum, host) => sum + Math.max(1, counts.get(host) ?? 1), 0),
  }
}

function shuffle<T>(items: readonly T[], random: () => number): readonly T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const moved = result[last]!
    result[last] = result[other]!
    result[other] = moved
  }
  return result
}
