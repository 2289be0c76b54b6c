import { breather } from '../runtime/breathe.ts'

/** One row that wants something of which there is not enough for all. */
export interface Wanting {
  readonly consumer: string
  readonly topic: string
  readonly partition: number
}

/** Who has had a turn when: shares few turns a cycle among many. */
export interface Shares<Row extends Wanting> {
  /**
   * The rows in the order of their turns: of each consumer the one that waits longest, then of each the next, so that one
   * with thousands of partitions takes no more than another. Rows that are not among them are forgotten.
   */
  order(rows: readonly Row[]): Promise<Iterable<Row>>
  hadTurn(row: Row): void
}

export function createShares<Row extends Wanting>(): Shares<Row> {
  let turns = new Map<string, number>()
  let cycle = 0
  return {
    order: async (rows) => {
      cycle++
      const breathe = breather()
      const before = turns
      turns = new Map()
      const byConsumer = new Map<string, { readonly row: Row; readonly last: number }[]>()
      for (const row of rows) {
        await breathe()
        const key = keyOf(row)
        const last = before.get(key) ?? 0
        if (last > 0) turns.set(key, last)
        const own = byConsumer.get(row.consumer) ?? []
        byConsumer.set(row.consumer, own)
        own.push({ row, last })
      }
      for (const own of byConsumer.values()) {
        await breathe()
        own.sort((a, b) => a.last - b.last)
      }
      const queues = [...byConsumer.values()].sort((a, b) => a[0]!.last - b[0]!.last)
      return inTurns(queues)
    },
    hadTurn: (row) => {
      turns.set(keyOf(row), cycle)
    },
  }
}

function* inTurns<Row>(queues: readonly (readonly { readonly row: Row }[])[]): Generator<Row> {
  let open = queues
  for (let turn = 0; open.length > 0; turn++) {
    for (const queue of open) yield queue[turn]!.row
    open = open.filter((queue) => queue.length > turn + 1)
  }
}

function keyOf({ consumer, topic, partition }: Wanting): string {
  return `${partition}\n${topic}\n${consumer}`
}
