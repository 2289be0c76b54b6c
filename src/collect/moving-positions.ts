/**
 * Where to ask for the time of a position that moves. By the time of the answer it is elsewhere; but a record in front of it
 * and one it has passed enclose it, so the record is asked for that it will not have reached at the next cycle.
 */
export interface MovingPositions {
  /** Begins a cycle. */
  begin(): void
  /** The position itself while it stands or nothing is known of it; one further on, before the log end, while it moves. */
  toAsk(topic: string, partition: number, position: bigint, end: bigint): bigint
}

/** Two cycles ahead: the next one, and one that comes late. */
const AHEAD = 2n

export function createMovingPositions(): MovingPositions {
  let before = new Map<string, Map<number, bigint[]>>()
  let now = new Map<string, Map<number, bigint[]>>()
  return {
    begin: () => {
      before = now
      now = new Map()
    },
    toAsk: (topic, partition, position, end) => {
      const partitions = now.get(topic) ?? new Map<number, bigint[]>()
      now.set(topic, partitions)
      const others = partitions.get(partition) ?? []
      partitions.set(partition, [...others, position])
      const earlier = before.get(topic)?.get(partition) ?? []
      if (earlier.includes(position)) return position
      const last = earlier.reduce<bigint | undefined>(
        (nearest, one) => (one < position && (nearest === undefined || one > nearest) ? one : nearest),
        undefined,
      )
      if (last === undefined) return position
      const ahead = position + AHEAD * (position - last)
      return ahead < end ? ahead : position
    },
  }
}
