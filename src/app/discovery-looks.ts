/** How far a discoverer has come since we were started. */
interface DiscoveryLook {
  /** Monotonic milliseconds of the end of its last complete look. */
  completeAt?: number
  /** Of the look after which the registry was searched for what it does not find any more. */
  sweptAt?: number
  /** Everything of a complete look has been written. */
  hasLooked: boolean
}

/** Who looks, and how far each has come. */
export interface DiscoveryLooks {
  of(discoverer: string): DiscoveryLook
  /** From now on only these: one that is being stopped may still have something to say. */
  retain(discoverers: readonly string[]): void
  isWanted(discoverer: string): boolean
  all(): Iterable<readonly [string, DiscoveryLook]>
}

export function createDiscoveryLooks(): DiscoveryLooks {
  const looks = new Map<string, DiscoveryLook>()
  let wanted: readonly string[] | undefined

  const isWanted = (discoverer: string): boolean => wanted === undefined || wanted.includes(discoverer)

  function of(discoverer: string): DiscoveryLook {
    const look = looks.get(discoverer) ?? { hasLooked: false }
    looks.set(discoverer, look)
    return look
  }

  return {
    of,
    isWanted,
    retain: (discoverers) => {
      wanted = discoverers
      for (const name of looks.keys()) if (!isWanted(name)) looks.delete(name)
      for (const name of discoverers) of(name)
    },
    all: () => looks,
  }
}
