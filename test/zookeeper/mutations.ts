import { DecodeError } from '../../src/runtime/errors.ts'
import { createMutator } from '../fakes/mutate.ts'
import { specimens } from './frames.ts'

export interface Damage {
  readonly codec: string
  readonly read: number
  readonly refused: number
  /** What was thrown that is no DecodeError, with the frame that caused it. */
  readonly escaped: readonly string[]
  /** The longest that one frame took. */
  readonly slowestMs: number
}

/** Gives each codec `count` damaged frames. */
export function damageAll(seed: number, count: number): readonly Damage[] {
  return specimens.map(({ name, frames, roundTrip }) => {
    const mutator = createMutator(seed)
    const escaped: string[] = []
    let read = 0
    let refused = 0
    let slowestMs = 0
    for (let index = 0; index < count; index++) {
      const frame = mutator.mutate(frames)
      const startedAt = performance.now()
      try {
        roundTrip(frame)
        read++
      } catch (error) {
        if (error instanceof DecodeError) refused++
        else escaped.push(`${frame.toString('hex')}: ${String(error)}`)
      }
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    }
    return { codec: name, read, refused, escaped, slowestMs }
  })
}
