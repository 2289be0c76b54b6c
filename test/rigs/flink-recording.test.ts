import { describe, expect, it } from 'vitest'
import { lastPositions } from './flink-recording.ts'

const line = (...cells: readonly (string | number)[]) => `${cells.join('\t')}\n`
const attempt = (number: number, began: number) => ({
  given: (partition: number, offset: number, at: number) =>
    line('given', 'orders', partition, offset, number, at, began),
  restored: (partition: number, offset: number) => line('restored', 'orders', partition, offset, number, began, began),
})

describe('lastPositions()', () => {
  it('takes the last record of each partition, whichever subtask wrote it', () => {
    const first = attempt(0, 1_000)

    const positions = lastPositions([first.given(1, 3, 1_099), first.given(0, 7, 1_100) + first.given(0, 8, 1_101)])

    expect(positions).toEqual([
      { topic: 'orders', partition: 0, next: 9n, by: 'given', attempt: 0, at: 1_101, began: 1_000 },
      { topic: 'orders', partition: 1, next: 4n, by: 'given', attempt: 0, at: 1_099, began: 1_000 },
    ])
  })

  it('goes back to what an attempt was restored from, and believes no attempt before it', () => {
    const [first, second] = [attempt(0, 1_000), attempt(1, 3_000)]
    const late = first.given(0, 51, 4_000)

    expect(lastPositions([first.given(0, 50, 2_000) + second.restored(0, 39), late])).toMatchObject([
      { next: 40n, by: 'restored', attempt: 1 },
    ])
  })

  it('holds what was read after a restore above what another subtask was restored from', () => {
    const [owner, other] = [attempt(1, 3_000), attempt(1, 3_200)]

    const positions = lastPositions([owner.restored(0, 39) + owner.given(0, 40, 3_100), other.restored(0, 39)])

    expect(positions).toMatchObject([{ next: 41n, by: 'given' }])
  })

  it('goes back also when a new JobManager counts attempts from 0 again', () => {
    const [before, after] = [attempt(0, 1_000), attempt(0, 20_000)]

    const positions = lastPositions([before.given(0, 50, 2_000) + after.restored(0, 39)])

    expect(positions).toMatchObject([{ next: 40n, by: 'restored' }])
  })

  it('leaves out a line that is being written', () => {
    const whole = attempt(0, 1_000).given(0, 7, 1_100)

    expect(lastPositions([`${whole}given\torders\t0\t1`])).toMatchObject([{ next: 8n }])
    expect(lastPositions(['given\torders'])).toEqual([])
  })
})
