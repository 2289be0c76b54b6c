import type { Consumer } from '../model/consumer.ts'
import type { Problem } from '../model/problem.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../runtime/clock.ts'

/** How long a consumer that is gone stays on the page with `present` 0. */
const REMEMBER_MS = 24 * 3_600_000

/** Remembers consumers that were there and are gone, so that "it vanished" is a value and not an absence. */
export function createVanished(clock: Clock): {
  /** The consumers that are gone now, given those seen in this cycle and those that could not be read. */
  update(
    previous: Snapshot | undefined,
    isSeen: (name: string) => boolean,
    isMissed: (consumer: Consumer) => boolean,
    problems: readonly Problem[],
  ): readonly Consumer[]
} {
  const gone = new Map<string, { readonly consumer: Consumer; readonly since: number }>()
  return {
    update: (previous, isSeen, isMissed, problems) => {
      const now = clock.monotonic()
      const unread = new Set(problems.map((problem) => problem.consumer))
      for (const { consumer, present } of previous?.consumers ?? [])
        if (present && !isSeen(consumer.name) && !unread.has(consumer.name))
          gone.set(consumer.name, { consumer, since: now })
      for (const [name, { consumer, since }] of gone)
        if (isSeen(name) || !isMissed(consumer) || now - since > REMEMBER_MS) gone.delete(name)
      return [...gone.values()].map(({ consumer }) => consumer)
    },
  }
}
