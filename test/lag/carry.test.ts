import { expect, it } from 'vitest'
import { carryOver } from '../../src/lag/carry.ts'
import { type JoinInput, join } from '../../src/lag/join.ts'
import { indexPrevious } from '../../src/lag/previous.ts'
import { fakeBatch, fakeLogs, fakeSnapshot } from '../fakes/columns.ts'

it('what an outage leaves unread comes in batches of bounded size, each row once, and is held whole', () => {
  const partitions = 9_000
  const offsets = (offset: bigint) => Array.from({ length: partitions }, () => offset)
  const logs = fakeLogs([{ name: 't', start: offsets(3n), end: offsets(100n) }])
  const input: JoinInput = {
    ...logs,
    recreated: new Uint8Array(1),
    previous: undefined,
    holdSince: 0,
    noPosition: () => 'ignore',
  }
  const names = ['a', 'b', 'c', 'd']
  const positions = Object.fromEntries(offsets(0n).map((_, partition) => [partition, BigInt(partition % 50)]))
  const before = join(fakeBatch(Object.fromEntries(names.map((name) => [name, { t: positions }]))), input)
  const previous = indexPrevious(fakeSnapshot(logs, [before]))
  const problems = names.map((consumer) => ({ reason: 'timeout', consumer, message: '' }) as const)

  const batches = [...carryOver(previous, problems, new Set(), 200)]
  const parts = batches.map((batch) => join(batch, { ...input, previous }))

  expect(batches.map(({ consumers }) => consumers.map(({ name }) => name))).toEqual([['a', 'b', 'c'], ['d']])
  expect(batches.map(({ partition }) => partition.length)).toEqual([27_000, 9_000])
  expect(parts.map(({ held }) => held.row.length)).toEqual([27_000, 9_000])
  expect(parts.flatMap(({ blockLag }) => [...blockLag])).toEqual([...before.blockLag])
  for (const { held } of parts)
    for (const at of [0, 1, 8_999])
      expect([held.position[at * 2], held.start[at * 2], held.end[at * 2], held.positioned[at]]).toEqual([
        at % 50,
        3,
        100,
        1,
      ])
})
