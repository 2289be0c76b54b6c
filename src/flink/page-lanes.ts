/** Lets a bounded number of reads be under way. Those that are likely to take long wait for each other only. */
export interface PageLanes<T> {
  /** Begins as soon as there is room. */
  enqueue(entry: T): void
  /** Begins what there is room for. */
  fill(): void
  /** When all that have begun have ended; those that wait are dropped. */
  drain(): Promise<void>
}

export interface LaneRules<T> {
  readonly mostAtOnce: number
  readonly mostDoubtful: number
  readonly isDoubtful: (entry: T) => boolean
  /** Whether it is still wanted when its turn comes. */
  readonly isWanted: (entry: T) => boolean
  /** Must not reject. */
  readonly read: (entry: T) => Promise<void>
}

/** To open a connection takes half a millisecond: so many, and then whatever else there is to do. */
const mostInOneStep = 8

export function createPageLanes<T>({
  mostAtOnce,
  mostDoubtful,
  isDoubtful,
  isWanted,
  read,
}: LaneRules<T>): PageLanes<T> {
  const running = new Set<Promise<void>>()
  let doubtful = 0
  let waiting: T[] = []
  let isFilling = false

  function begin(entry: T): void {
    const share = isDoubtful(entry) ? 1 : 0
    doubtful += share
    const reading: Promise<void> = read(entry).then(() => {
      doubtful -= share
      running.delete(reading)
      if (waiting.length > 0) fill()
    })
    running.add(reading)
  }

  function fill(): void {
    if (waiting.length === 0 || isFilling) return
    const left: T[] = []
    let begun = 0
    for (const entry of waiting) {
      if (!isWanted(entry)) continue
      const hasRoom = running.size < mostAtOnce && (doubtful < mostDoubtful || !isDoubtful(entry))
      if (hasRoom && begun < mostInOneStep) {
        begin(entry)
        begun++
      } else left.push(entry)
    }
    waiting = left
    if (begun < mostInOneStep) return
    isFilling = true
    setImmediate(() => {
      isFilling = false
      fill()
    })
  }

  return {
    enqueue: (entry) => void waiting.push(entry),
    fill,
    drain: async () => {
      waiting = []
      await Promise.all(running)
    },
  }
}
