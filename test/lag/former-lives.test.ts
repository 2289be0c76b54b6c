import { describe, expect, it } from 'vitest'
import { isOfFormerLife, type LogMemory, noLogMemory, rememberLogs } from '../../src/lag/former-lives.ts'
import { offsetColumn, setOffset } from '../../src/model/offsets.ts'
import { type FakeTopic, fakeLogs } from '../fakes/columns.ts'

const [first, second] = ['0'.repeat(32), '1'.repeat(32)]

const topic = (id: string | undefined, ...end: FakeTopic['end']): FakeTopic => ({
  name: 't',
  ...(id === undefined ? {} : { id }),
  start: end.map(() => 0n),
  end,
})

function after(...cycles: readonly (readonly FakeTopic[])[]): LogMemory {
  return cycles.reduce((memory, topics) => {
    const { catalog, ends } = fakeLogs(topics)
    return finished(rememberLogs(memory, catalog, ends))
  }, noLogMemory)
}

/** What a computation gives that can be interrupted. */
function finished<T>(steps: Generator<void, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value
}

/** Whether an offset of the first partition of `t` is of a former life. */
function isOld(memory: LogMemory, offset: bigint, partition = 0): boolean {
  const column = offsetColumn(1)
  setOffset(column, 0, offset)
  return isOfFormerLife(memory.former.get('t'), partition, column, 0)
}

describe('the former life of a topic', () => {
  it.each([
    ['at once', [[topic(first, 50n)], [topic(second, 8n)]]],
    ['after a while without it', [[topic(first, 50n)], [], [], [topic(second, 8n)]]],
    ['without ids, after a while without it', [[topic(undefined, 50n)], [], [topic(undefined, 8n)]]],
    ['when its last end could not be read', [[topic(first, 50n)], [topic(first, 'end_unknown')], [topic(second, 8n)]]],
  ])('has the offsets that it had: created anew %s', (_, cycles) => {
    const memory = after(...cycles)

    expect([8n, 50n, 51n].map((offset) => isOld(memory, offset))).toEqual([true, true, false])
    expect(isOld(memory, 1n, 1)).toBe(false)
  })

  it('is forgotten when the log is as long as it was', () => {
    const cycles = [[topic(first, 50n, 10n)], [topic(second, 50n, 9n)]]

    expect(isOld(after(...cycles), 9n)).toBe(true)
    expect(after(...cycles, [topic(second, 50n, 10n)]).former.size).toBe(0)
  })

  it('is none while the topic goes on, also with an end that fell', () => {
    expect(after([topic(first, 50n)], [topic(first, 8n)], [topic(first, 8n)]).former.size).toBe(0)
  })

  it('is not kept for more topics than a thousand', () => {
    const many = Array.from({ length: 1_500 }, (_, index) => ({ ...topic(first, 5n), name: `t${index}` }))

    const { former } = after(many, [])

    expect(former.size).toBe(1_000)
    expect(former.has('t999')).toBe(true)
  })
})
