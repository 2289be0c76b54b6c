import { turn } from '../runtime/breathe.ts'

export interface BatchLimits {
  readonly items: number
  readonly bytes: number
}

/** In their order; an item that is too large for a batch has one of its own. */
export function inBatches<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  limits: BatchLimits,
): readonly (readonly T[])[] {
  const batches: T[][] = []
  let room = 0
  for (const item of items) {
    const bytes = bytesOf(item)
    const last = batches.at(-1)
    if (last === undefined || last.length >= limits.items || bytes > room) {
      batches.push([item])
      room = limits.bytes - bytes
    } else {
      last.push(item)
      room -= bytes
    }
  }
  return batches
}

/** `atOnce` of them on their way at a time; a fast server must not keep us busy without a turn of the event loop. */
export async function eachOf<T>(
  batches: readonly T[],
  atOnce: number,
  work: (batch: T) => Promise<unknown>,
): Promise<void> {
  let next = 0
  let hasFailed = false
  const worker = async (): Promise<void> => {
    while (next < batches.length && !hasFailed) {
      await work(batches[next++]!)
      await turn()
    }
  }
  const workers = Array.from({ length: Math.min(atOnce, batches.length) }, () =>
    worker().catch((error: unknown) => {
      hasFailed = true
      throw error
    }),
  )
  await Promise.all(workers)
}
