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

/** A name is looked up at every connect and may stand for a whole ensemble: one of its addresses at random. */
export async function resolveOne(host: string, resolve: Resolve, random: () => number): Promise<string> {
  if (isIP(host) !== 0) return host
  const addresses = await resolve(host)
  return addresses[Math.floor(random() * addresses.length)] ?? host
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
