import { describe, expect, it } from 'vitest'
import { recreatedTopics } from '../../src/lag/align.ts'
import { type JoinInput, join } from '../../src/lag/join.ts'
import { createLostReader, lostLines } from '../../src/lag/lost-lines.ts'
import { indexPrevious } from '../../src/lag/previous.ts'
import { createLostCounter, type LostCounter, type SavedLost } from '../../src/lag/records-lost.ts'
import type { Consumer } from '../../src/model/consumer.ts'
import type { Reason } from '../../src/model/reason.ts'
import type { RecordsLost, Snapshot } from '../../src/model/snapshot.ts'
import { fakeBatch, fakeLogs, fakeSnapshot } from '../fakes/columns.ts'

/** What a cycle sees of the topic `t`: log starts by partition, and positions by consumer and partition. */
interface Seen {
  readonly starts: readonly (bigint | Reason)[]
  readonly positions: Readonly<Record<string, Readonly<Record<number, bigint | Reason>>>>
  readonly id?: string
  readonly end?: bigint
  readonly members?: Readonly<Record<string, number>>
}

/** A daemon that goes from cycle to cycle. */
function daemon(saved?: SavedLost) {
  const counter: LostCounter = createLostCounter(saved)
  let snapshot: Snapshot | undefined
  return {
    counter,
    snapshot: () => snapshot!,
    /** The count of each consumer after one more cycle. */
    cycle({ starts, positions, id, end = 1_000n, members = {} }: Seen): Record<string, number> {
      const logs = fakeLogs([
        { name: 't', ...(id === undefined ? {} : { id }), start: starts, end: starts.map(() => end) },
      ])
      const previous = snapshot === undefined ? undefined : indexPrevious(snapshot)
      const recreated = recreatedTopics(logs.catalog, snapshot?.catalog ?? logs.catalog, new Uint8Array(1))
      const input: JoinInput = { ...logs, recreated, previous, holdSince: 0, noPosition: () => 'ignore' }
      const withMembers = (consumer: Consumer): Consumer => {
        const count = members[consumer.name]
        return count === undefined ? consumer : { ...consumer, members: count }
      }
      const batch = fakeBatch(Object.fromEntries(Object.entries(positions).map(([name, of]) => [name, { t: of }])))
      const parts = [join({ ...batch, consumers: batch.consumers.map(withMembers) }, input)]
      const lost = run(counter.update({ ...logs, recreated, previous, parts }))
      snapshot = { ...fakeSnapshot(logs, parts), lost }
      return Object.fromEntries([...lost].map(([name, topics]) => [name, topics.get('t') ?? 0]))
    },
  }
}

function run(steps: Generator<void, RecordsLost>): RecordsLost {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

/** What a later process reads of what this one wrote. */
function restarted(before: ReturnType<typeof daemon>, rest?: SavedLost): SavedLost {
  const reader = createLostReader('fake')
  for (const line of lostLines(before.counter, before.snapshot(), rest)) expect(reader.take(line)).toBeUndefined()
  return reader.done()!
}

describe('records lost', () => {
  it('are what the start passes while the position is below it; the first sight only sets the baseline', () => {
    const lag = daemon()

    expect(lag.cycle({ starts: [60n], positions: { g: { 0: 20n } } })).toEqual({})
    expect(lag.cycle({ starts: [60n], positions: { g: { 0: 20n } } })).toEqual({})
    expect(lag.cycle({ starts: [75n], positions: { g: { 0: 20n } } })).toEqual({ g: 15 })
    expect(lag.cycle({ starts: [75n], positions: { g: { 0: 20n } } })).toEqual({ g: 15 })
    expect(lag.cycle({ starts: [80n], positions: { g: { 0: 78n } } })).toEqual({ g: 17 })
  })

  it('are counted from the position of a consumer that was in the log when it was seen last', () => {
    const lag = daemon()
    lag.cycle({ starts: [0n, 0n], positions: { g: { 0: 50n, 1: 50n }, other: { 0: 500n, 1: 10n } } })

    const lost = lag.cycle({ starts: [60n, 40n], positions: { g: { 0: 50n, 1: 50n }, other: { 0: 500n, 1: 10n } } })

    expect(lost).toEqual({ g: 10, other: 30 })
  })

  it('are not counted of what was skipped or read before it went, and not twice after a rewind', () => {
    const lag = daemon()
    lag.cycle({ starts: [0n], positions: { g: { 0: 50n } } })
    expect(lag.cycle({ starts: [60n], positions: { g: { 0: 65n } } })).toEqual({})
    expect(lag.cycle({ starts: [60n], positions: { g: { 0: 10n } } })).toEqual({})
    expect(lag.cycle({ starts: [61n], positions: { g: { 0: 10n } } })).toEqual({ g: 1 })
  })

  it('are counted over cycles in which the position or the start could not be read', () => {
    const lag = daemon()
    lag.cycle({ starts: [0n, 0n], positions: { g: { 0: 50n, 1: 50n } } })
    lag.cycle({ starts: [60n, 60n], positions: { g: { 0: 'timeout', 1: 50n } } })
    lag.cycle({ starts: [70n, 'end_unknown'], positions: { g: { 0: 'timeout', 1: 50n } } })

    expect(lag.cycle({ starts: [80n, 80n], positions: { g: { 0: 50n, 1: 50n } } })).toEqual({ g: 60 })
  })

  it('are not counted of a consumer that nobody reads for any more, also not when it comes back', () => {
    const lag = daemon()
    const positions = { left: { 0: 50n }, never: { 0: 50n } }
    lag.cycle({ starts: [0n], positions, members: { left: 2, never: 0 } })

    expect(lag.cycle({ starts: [60n], positions, members: { left: 0, never: 0 } })).toEqual({ never: 10 })
    expect(lag.cycle({ starts: [60n], positions, members: { left: 1, never: 0 } })).toEqual({ never: 10 })
    expect(lag.cycle({ starts: [65n], positions, members: { left: 1, never: 0 } })).toEqual({ left: 5, never: 15 })
  })

  it('begin with a new baseline when the topic was created anew, with ids and without', () => {
    const withIds = daemon()
    withIds.cycle({ id: 'a', starts: [0n], positions: { g: { 0: 50n } } })
    expect(withIds.cycle({ id: 'a', starts: [60n], positions: { g: { 0: 50n } } })).toEqual({ g: 10 })
    withIds.cycle({ id: 'b', starts: [500n], positions: { g: { 0: 50n } } })
    expect(withIds.cycle({ id: 'b', starts: [500n], positions: { g: { 0: 55n } } })).toEqual({ g: 10 })
    expect(withIds.cycle({ id: 'b', starts: [510n], positions: { g: { 0: 55n } } })).toEqual({ g: 20 })

    const without = daemon()
    without.cycle({ starts: [900n], positions: { g: { 0: 50n } } })
    expect(without.cycle({ starts: [60n], positions: { g: { 0: 50n } } })).toEqual({})
    expect(without.cycle({ starts: [70n], positions: { g: { 0: 50n } } })).toEqual({ g: 10 })
  })

  it('of a consumer that vanished are forgotten: it begins anew when it comes back', () => {
    const lag = daemon()
    lag.cycle({ starts: [0n], positions: { g: { 0: 50n }, stays: { 0: 900n } } })
    expect(lag.cycle({ starts: [60n], positions: { g: { 0: 50n }, stays: { 0: 900n } } })).toEqual({ g: 10 })
    lag.cycle({ starts: [70n], positions: { stays: { 0: 900n } } })

    expect(lag.cycle({ starts: [80n], positions: { g: { 0: 50n }, stays: { 0: 900n } } })).toEqual({})
  })

  it('are exact above 2^53', () => {
    const lag = daemon()
    const high = 2n ** 62n
    lag.cycle({ starts: [high], end: high + 1_000n, positions: { g: { 0: high } } })

    expect(lag.cycle({ starts: [high + 3n], end: high + 1_000n, positions: { g: { 0: high } } })).toEqual({ g: 3 })
  })
})

describe('records lost over a restart', () => {
  it('go on: the count, what was lost meanwhile, and the baselines of what could not be read', () => {
    const first = daemon()
    const positions = { below: { 0: 20n, 1: 'no_position' }, fine: { 0: 50n, 1: 'timeout' } } as const
    first.cycle({ id: 'a', starts: [0n, 0n], positions: { ...positions, fine: { 0: 50n, 1: 50n } } })
    first.cycle({ id: 'a', starts: [40n, 30n], positions })

    const second = daemon(restarted(first))

    // below/0: 20 before, 20 now; fine/0: 10; fine/1: 10, from what the first cycle of the first process knew.
    expect(
      second.cycle({ id: 'a', starts: [60n, 60n], positions: { below: { 0: 20n, 1: 5n }, fine: { 0: 50n, 1: 50n } } }),
    ).toEqual({ below: 40, fine: 20 })
    expect(
      second.cycle({ id: 'a', starts: [61n, 61n], positions: { below: { 0: 20n, 1: 5n }, fine: { 0: 50n, 1: 50n } } }),
    ).toEqual({ below: 42, fine: 22 })
  })

  it('know no baseline of a topic that was created anew meanwhile, and of a consumer that is new', () => {
    const first = daemon()
    first.cycle({ id: 'a', starts: [0n], positions: { g: { 0: 50n } } })
    first.cycle({ id: 'a', starts: [60n], positions: { g: { 0: 50n } } })

    const other = daemon(restarted(first))

    expect(other.cycle({ id: 'b', starts: [100n], positions: { g: { 0: 50n }, fresh: { 0: 50n } } })).toEqual({ g: 10 })
  })

  it('remember who has had members', () => {
    const first = daemon()
    first.cycle({ starts: [0n], positions: { g: { 0: 50n } }, members: { g: 1 } })

    const second = daemon(restarted(first))

    expect(second.cycle({ starts: [60n], positions: { g: { 0: 50n } }, members: { g: 0 } })).toEqual({})
  })

  it('keep what nobody has met again for the process after the next', () => {
    const first = daemon()
    first.cycle({ id: 'a', starts: [0n], positions: { g: { 0: 50n }, late: { 0: 50n } }, members: { late: 1 } })
    first.cycle({ id: 'a', starts: [60n], positions: { g: { 0: 50n }, late: { 0: 50n } }, members: { late: 1 } })

    const saved = restarted(first)
    const second = daemon(saved)
    second.cycle({ id: 'a', starts: [60n], positions: { g: { 0: 50n } } })
    const third = daemon(restarted(second, saved))

    expect(third.cycle({ id: 'a', starts: [70n], positions: { late: { 0: 50n } }, members: { late: 1 } })).toEqual({
      late: 20,
    })
  })

  it('refuse lines that are not what was written, each with what is wrong', () => {
    const lag = daemon()
    lag.cycle({ starts: [60n], positions: { g: { 0: 20n } } })
    lag.cycle({ starts: [70n], positions: { g: { 0: 20n } } })
    const lines = [...lostLines(lag.counter, lag.snapshot())]
    const wrong = (given: readonly string[], cluster = 'fake'): string | undefined => {
      const reader = createLostReader(cluster)
      const found = given.map((line) => reader.take(line)).find((problem) => problem !== undefined)
      return found ?? (reader.done() === undefined ? 'breaks off' : undefined)
    }

    expect(wrong(lines)).toBeUndefined()
    expect(wrong(lines, 'other')).toBe('of Kafka cluster "fake"')
    expect(wrong(lines.slice(0, -1))).toBe('breaks off')
    expect(wrong(lines.toSpliced(1, 1))).toBe('nothing that is known, and not the end')
    expect(wrong(lines.with(1, '{"topic":"t","starts":"a"}'))).toBe('nothing that is known, and not the end')
    expect(wrong(lines.with(2, '{"consumer":"g","topics":{"t":{"lost":-1}}}'))).toBe('consumer "g", topic "t"')
    expect(wrong(lines.with(2, '{"consumer":"g","topics":{"t":{"counted":"0:x"}}}'))).toBe('consumer "g", topic "t"')
    expect(wrong(['{'])).toBe('not JSON')
    expect(wrong(['[1]'])).toBe('not of this kind')
    expect(wrong([...lines, lines[0]!])).toBe('something behind the end')
  })
})
