import { describe, expect, it } from 'vitest'
import { type JoinInput, join } from '../../src/lag/join.ts'
import { recordBytes, withViews } from '../../src/lag/views.ts'
import type { NoPositionPolicy } from '../../src/model/no-position-policy.ts'
import type { Reason } from '../../src/model/reason.ts'
import type { KnownNumbers, LogViews } from '../../src/model/snapshot.ts'
import { fakeBatch, fakeLogs } from '../fakes/columns.ts'

/** The views of one consumer on one topic, from rows of position, log start, log end and the column of the view. */
function view(
  rows: readonly (readonly [position: bigint | Reason, start: bigint, end: bigint | Reason, other: bigint | Reason])[],
  make: (column: ReturnType<typeof fakeLogs>['ends']) => LogViews,
  policy: NoPositionPolicy = 'ignore',
) {
  const logs = fakeLogs([{ name: 't', start: rows.map((row) => row[1]), end: rows.map((row) => row[2]) }])
  const other = fakeLogs([{ name: 't', start: rows.map((row) => row[1]), end: rows.map((row) => row[3]) }]).ends
  const input: JoinInput = {
    ...logs,
    recreated: new Uint8Array(1),
    previous: undefined,
    holdSince: 0,
    noPosition: () => policy,
  }
  const part = join(fakeBatch({ g: { t: Object.fromEntries(rows.map(([position], at) => [at, position])) } }), input)
  const steps = withViews(part, { ...input, views: make(other) })
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value.views ?? {}
}

const only = (numbers: KnownNumbers | undefined) => (numbers?.known[0] === 1 ? numbers.value[0] : undefined)

describe('the read-committed view', () => {
  const lag = (...[rows, policy]: [Parameters<typeof view>[0], NoPositionPolicy?]) =>
    only(view(rows, (stable) => ({ stable }), policy).readCommitted)

  it('counts up to the last stable offset, from the position or the log start', () => {
    expect(lag([[10n, 0n, 32n, 22n]])).toBe(12)
    expect(lag([[2n, 5n, 32n, 22n]])).toBe(17)
  })

  it('is 0 for a reader of what is not committed that is past the last stable offset', () => {
    expect(lag([[30n, 0n, 32n, 22n]])).toBe(0)
  })

  it('is never more than the lag: what was stable a moment after the end was read counts only up to it', () => {
    expect(lag([[10n, 0n, 32n, 40n]])).toBe(22)
  })

  it('has no sum while a partition that counts is unknown in either', () => {
    expect(
      lag([
        [10n, 0n, 32n, 22n],
        [10n, 0n, 32n, 'unsupported'],
      ]),
    ).toBeUndefined()
    expect(
      lag([
        [10n, 0n, 32n, 22n],
        [10n, 0n, 'timeout', 22n],
      ]),
    ).toBeUndefined()
  })

  it.each([
    ['ignore', 12],
    ['end', 12],
    ['start', 12 + 17],
    ['void', undefined],
  ] as const)('treats a partition without a position as the sum of the lag does: %s', (policy, expected) => {
    expect(
      lag(
        [
          [10n, 0n, 32n, 22n],
          ['no_position', 5n, 32n, 22n],
        ],
        policy,
      ),
    ).toBe(expected)
  })
})

describe('the view of cold records', () => {
  const cold = (rows: Parameters<typeof view>[0]) => only(view(rows, (local) => ({ local })).coldRecords)

  it('counts what lies before the local log start', () => {
    expect(cold([[10n, 0n, 100n, 60n]])).toBe(50)
    expect(cold([[2n, 5n, 100n, 60n]])).toBe(55)
    expect(cold([[80n, 0n, 100n, 60n]])).toBe(0)
  })

  it('is 0 where the log start has passed what was the local start when that was read', () => {
    expect(cold([[10n, 70n, 100n, 60n]])).toBe(0)
  })
})

describe('the view of bytes', () => {
  const bytes = (rows: Parameters<typeof view>[0], size: number, isKnown = 1) =>
    only(
      view(rows, (local) => {
        const logs = fakeLogs([{ name: 't', start: rows.map((row) => row[1]), end: rows.map((row) => row[2]) }])
        const sizes = { value: Float64Array.of(size), known: Uint8Array.of(isKnown) }
        return { recordBytes: recordBytes(sizes, logs.starts, logs.ends, local) }
      }).lagBytes,
    )

  it('takes the mean size of a record times the lag', () => {
    expect(bytes([[75n, 50n, 100n, 'unsupported']], 5_000)).toBe(2_500)
  })

  it('counts only what is on the disk when the older part is in remote storage', () => {
    expect(bytes([[0n, 0n, 100n, 80n]], 2_000)).toBe(10_000)
  })

  it('is 0 for a lag of 0 whatever the size, and unknown for another one without a size', () => {
    expect(bytes([[100n, 0n, 100n, 'unsupported']], 0, 0)).toBe(0)
    expect(bytes([[99n, 0n, 100n, 'unsupported']], 0, 0)).toBeUndefined()
  })
})
