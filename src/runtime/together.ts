/** Runs loops side by side: the first that fails stops the others, and when all have settled its error is thrown. */
export async function together(
  signal: AbortSignal,
  loops: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const running = loops.map(async (loop) => {
    try {
      await loop(both)
    } catch (error) {
      stop.abort()
      throw error
    }
  })
  const failed = (await Promise.allSettled(running)).find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
