import { describe, expect, it } from 'vitest'
import { lastPositions } from './flink-recording.ts'

const line = (...cells: readonly (string | number)[]) => `${cells.join('\t')}\n`

describe('lastPositions()', () => {
  it('takes the last record of each partition, whichever subtask wrote it', () => {
    const one = line('given', 'orders', 0, 7, 0, 100) + line('given', 'orders', 0, 8, 0, 101)
    const other = line('given', 'orders', 1, 3, 0, 99)

    expect(lastPositions([other, one])).toEqual([
      { topic: 'orders', partition: 0, next: 9n, by: 'given', attempt: 0, at: 101 },
      { topic: 'orders', partition: 1, next: 4n, by: 'given', attempt: 0, at: 99 },
    ])
  })

  it('goes back to what an attempt was restored from, and believes no attempt before it', () => {
    const text = line('given', 'orders', 0, 50, 0, 100) + line('restored', 'orders', 0, 39, 1, 110)
    const late = line('given', 'orders', 0, 51, 0, 120)

    expect(lastPositions([text, late])).toMatchObject([{ next: 40n, by: 'restored', attempt: 1 }])
  })

  it('holds what was read after a restore above what another subtask was restored from', () => {
    const owner = line('restored', 'orders', 0, 39, 1, 110) + line('given', 'orders', 0, 40, 1, 115)
    const other = line('restored', 'orders', 0, 39, 1, 130)

    expect(lastPositions([other, owner])).toMatchObject([{ next: 41n, by: 'given' }])
  })

  it('leaves out a line that is being written', () => {
    expect(lastPositions([`${line('given', 'orders', 0, 7, 0, 100)}given\torders\t0\t1`])).toMatchObject([{ next: 8n }])
    expect(lastPositions(['given\torders'])).toEqual([])
  })
})
