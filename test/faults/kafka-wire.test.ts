import { expect, it } from 'vitest'
import { chooseSeed, createMutator } from '../fakes/mutate.ts'
import { goldenDecoders, survives } from '../kafka-wire/decoders.ts'

const decoders = goldenDecoders()
const seed = chooseSeed()
console.info(`faults/kafka-wire.test.ts: LAGKEEPER_SEED=${seed}`)

it.each(decoders)(
  '$name gives a value or a DecodeError for 100,000 damaged frames, soon and without hoarding',
  (decoder) => {
    const mutator = createMutator(seed)
    const all = decoders.flatMap(({ frames }) => frames)
    const outcomes = { value: 0, refused: 0 }
    let slowestMs = 0
    for (let round = 0; round < 100_000; round++) {
      const frame = mutator.mutate(round % 4 === 0 ? [...decoder.frames, ...all] : decoder.frames)
      const startedAt = performance.now()
      outcomes[survives(decoder, frame) ? 'value' : 'refused']++
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    }

    expect(slowestMs).toBeLessThan(1_000)
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(256 * 1024 * 1024)
    // Some damage goes unseen and most is found; else the mutator or the test is broken.
    expect(outcomes.refused).toBeGreaterThan(0)
  },
)
